import { ok, strictEqual } from "node:assert/strict";
import { listwiseDpo } from "lib/losses/listwise_dpo.ts";
import { resolveOptions } from "lib/losses/options.ts";
import { stepMemory } from "lib/train/step_memory.ts";
import { checkout } from "../places.ts";
import { LONG_ROWS, pairOf, trainerOptions } from "./long_rows.ts";

const resultsOf = (
  rows: typeof LONG_ROWS,
  options = trainerOptions(),
) => stepMemory(options, [rows]).results;

Deno.test("stepMemory() is within 15 % of what a process takes for a step", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  const script = checkout("tests/train/measured_step.ts");
  const args = ["run", "-A", "--no-check", script];
  const command = new Deno.Command(Deno.execPath(), { args });
  const { stdout } = await command.output();
  const { estimated, measured } = JSON.parse(new TextDecoder().decode(stdout));
  const ratio = measured / estimated;
  ok(Math.abs(ratio - 1) < 0.15, `${measured} for ${estimated}: ${ratio}`);
});

Deno.test("a step's memory is linear in the rows of a micro-batch", () => {
  const [four, eight] = [4, 8].map((n) => resultsOf(LONG_ROWS.slice(0, n)));
  ok(eight! <= 2.2 * four! && eight! >= 1.6 * four!, `${four}, ${eight}`);
});

Deno.test("stepMemory() knows the sizes of ranked lists", () => {
  const list = { prompt: [3], completions: [[4, 2], [5, 2], [6, 2]] };
  const lossOptions = resolveOptions(listwiseDpo);
  ok(
    resultsOf([list], { ...trainerOptions(), loss: listwiseDpo, lossOptions }),
  );
});

Deno.test("stepMemory() is of the largest micro-batch, however they are cut", () => {
  const options = { ...trainerOptions(), microTokens: 1000 };
  const rows = [pairOf(100), pairOf(800), pairOf(120)];
  strictEqual(
    stepMemory(options, [rows, [pairOf(40)]]).results,
    resultsOf([pairOf(800)]),
  );
});
