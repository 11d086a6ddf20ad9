import { strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { temporaryFolder } from "../temporary_folder.ts";
import { runScript } from "./run_script.ts";

/** Exit status and last line of a run over one test file. */
async function run(
  source: string,
  ...args: string[]
): Promise<{ code: number; last: string | undefined }> {
  using folder = temporaryFolder();
  const file = join(folder.path, "some_test.ts");
  Deno.writeTextFileSync(file, source);
  const { code, out } = await runScript("test", [file, ...args]);
  const lines = out.trimEnd().split("\n");
  return { code, last: lines.at(-1) };
}

const PASSES = `Deno.test("this <failure> passes", () => {});`;
const FAILS = `Deno.test("fails", () => { throw new Error("<failure>"); });`;
const IGNORED = `Deno.test({ name: "no", ignore: true, fn: () => {} });`;

Deno.test("test ends with the count of what passed", async () => {
  const { code, last } = await run(PASSES);
  strictEqual(last, "1 passed, 0 failed");
  strictEqual(code, 0);
});

Deno.test("test fails if a test does, and counts what was skipped", async () => {
  const { code, last } = await run([PASSES, FAILS, IGNORED].join("\n"));
  strictEqual(last, "1 passed, 1 failed, 1 skipped");
  strictEqual(code, 1);
});

Deno.test("test runs what a filter leaves", async () => {
  const { code, last } = await run(PASSES + FAILS, "--filter", "passes");
  strictEqual(last, "1 passed, 0 failed, 1 skipped");
  strictEqual(code, 0);
});

Deno.test("test fails if a file cannot be run at all", async () => {
  const { code, last } = await run(`const x: string = 1; ${PASSES}`);
  strictEqual(last, "0 passed, 1 failed");
  strictEqual(code, 1);
});
