import { match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { COMMIT, tinyHub } from "../hub/tiny_hub.ts";
import { runInTurn } from "./run_in_turn.ts";

const pull = (args: string[], env: Record<string, string>) =>
  runInTurn("pull", args, { env });

Deno.test("pull prints the commit and the folder, and progress beside them", async () => {
  await using t = await tinyHub();
  const { code, out, err } = await pull(["org/tiny"], t.env);
  const folder = join(t.cache, "snapshots", COMMIT);
  strictEqual(out, `org/tiny  ${COMMIT}\n  ${folder}\n`);
  match(err, /^4 files \(kB\) {2}301\/301 .*\/s {2}in 0:0\d {2}done 4\n$/);
  strictEqual(code, 0);
});

Deno.test("pull fails with one line where the Hub has no such repository", async () => {
  await using t = await tinyHub();
  const args = ["--data", "org/none", "--revision", "v1"];
  const { code, out, err } = await pull(args, t.env);
  match(err, /^error: Cannot read the data set "org\/none" at "v1": .*\n$/);
  ok(!err.includes("    at "));
  strictEqual(out, "");
  strictEqual(code, 1);
});

Deno.test("pull refuses a local path", async () => {
  const { code, err } = await pull(["."], {});
  match(err, /^error: Cannot pull ".": it is a local path, expected org\/name/);
  strictEqual(code, 1);
});
