import { ok, strictEqual } from "node:assert/strict";
import { listwiseDpo } from "lib/losses/listwise_dpo.ts";
import { resolveOptions } from "lib/losses/options.ts";
import { parameterNames } from "lib/models/parameters.ts";
import { fullPolicy } from "lib/models/policy.ts";
import { stepMemory } from "lib/train/step_memory.ts";
import { checkout } from "../places.ts";
import { LONG_ROWS, pairOf, trainerOptions, zerosOf } from "./long_rows.ts";

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
    resultsOf([pairOf(800)], options),
  );
});

Deno.test("layers that are computed again keep none of their activations", () => {
  const base = trainerOptions();
  const config = { ...base.policy.config, layers: 5 };
  const options = {
    ...base,
    policy: fullPolicy(config, zerosOf(parameterNames(config))),
  };
  const [one, two, all] = [1, 2, 4].map((recomputedLayers) =>
    resultsOf(LONG_ROWS, { ...options, recomputedLayers })
  );
  const layer = one! - two!;
  ok(layer > 5e6);
  // One of the four is there while it is read.
  ok(two! - all! > 1.5 * layer, `${[one, two, all]}`);
});

Deno.test("a trained head's logits are in memory one chunk at a time", () => {
  const base = trainerOptions();
  const config = { ...base.policy.config, vocabSize: 32_768 };
  const policy = fullPolicy(config, zerosOf(parameterNames(config)));
  const [whole, parts] = [400, 1600].map((microTokens) =>
    resultsOf(LONG_ROWS.slice(0, 1), { ...base, policy, microTokens })
  );
  // One chunk and four: the gradient of the head, logits and two more like them.
  ok(parts! < 0.6 * whole!, `${parts}, ${whole}`);
});
