import { rejects, strictEqual } from "node:assert/strict";
import { runProgram } from "lib/files/program.ts";

const deno = (code: string, options?: Parameters<typeof runProgram>[2]) =>
  runProgram(Deno.execPath(), ["eval", code], options);

Deno.test("a program reads its input, and what it prints comes back", async () => {
  const echo = "await Deno.stdin.readable.pipeTo(Deno.stdout.writable)";
  const printed = await deno(echo, { input: "a\nb" });
  strictEqual(new TextDecoder().decode(printed), "a\nb");
});

Deno.test("a program that fails is named with the end of its complaint", async () => {
  const fail = "console.error('one\\ntwo\\nthree\\n'); Deno.exit(1)";
  const path = Deno.execPath();
  await rejects(deno(fail), { message: `${path} failed: three` });
  // It ends before it has read all that it was given.
  const input = "x".repeat(1e6);
  await rejects(deno(fail, { lines: 2, input }), {
    message: `${path} failed: two three`,
  });
});

Deno.test("a program that is not there is no failure of one", async () => {
  await rejects(runProgram("no-such-program", []), Deno.errors.NotFound);
});
