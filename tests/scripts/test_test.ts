import { match, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { temporaryFolder } from "../temporary_folder.ts";
import { runScript } from "./run_script.ts";

/** Exit status and last lines of a run over one test file. */
async function run(
  source: string,
  ...args: string[]
): Promise<{ code: number; last: string; before: string }> {
  using folder = temporaryFolder();
  const file = join(folder.path, "some_test.ts");
  Deno.writeTextFileSync(file, source);
  const { code, out } = await runScript("test", [file, ...args]);
  const [before = "", last = ""] = out.trimEnd().split("\n").slice(-2);
  return { code, last, before };
}

const PASSES = `Deno.test("this <failure> passes", () => {});`;
const FAILS =
  `Deno.test("is \\"<wrong>\\"", () => { throw new Error("<failure>"); });`;
const IGNORED = `Deno.test({ name: "no", ignore: true, fn: () => {} });`;

Deno.test("test fails if a test does, names it, and counts skipped ones", async () => {
  const { code, last, before } = await run(
    [PASSES, FAILS, IGNORED].join("\n"),
  );
  match(before, /^FAILED \S+\/some_test\.ts: is "<wrong>"$/);
  strictEqual(last, "1 passed, 1 failed, 1 skipped");
  strictEqual(code, 1);
});

Deno.test("test runs the tests that a filter selects", async () => {
  const { code, last } = await run(PASSES + FAILS, "--filter", "passes");
  strictEqual(last, "1 passed, 0 failed, 1 skipped");
  strictEqual(code, 0);
});

Deno.test("test fails if a file cannot be run at all", async () => {
  const { code, last, before } = await run(`const x: string = 1; ${PASSES}`);
  match(before, /^FAILED \S+\/some_test\.ts: see above$/);
  strictEqual(last, "0 passed, 1 failed");
  strictEqual(code, 1);
});
