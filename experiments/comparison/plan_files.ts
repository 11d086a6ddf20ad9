import { join } from "node:path";
import type { Example } from "lib/data/example.ts";
import { tokenFields } from "lib/data/write/layout.ts";
import { writeRows } from "lib/data/write/rows_file.ts";
import { type GridPoint, gridPoints, runName } from "lib/experiment/grid.ts";
import { writeTextAtomically } from "lib/files/atomic.ts";
import { canonicalJson } from "lib/record/canonical_json.ts";
import type { InputsInMemory } from "lib/run/inputs.ts";
import { prepareRun } from "lib/run/plan.ts";
import { type Inputs, sameInputs } from "./contents.ts";
import { runSettings } from "./methods.ts";
import type { ComparisonSettings } from "./settings.ts";

/**
 * Writes all that another trainer needs to make the runs of a comparison again
 * on the same tokens: `train.jsonl` and `held-out.jsonl`, pairs as token ids,
 * and `plan.json`, with every run's options and the rows of its batches.
 *
 * A batch of a loss that reads pairs has their lines in `train.jsonl`, counted
 * from 0. One of a loss that reads single answers has twice the line for the
 * chosen answer, and one more for the rejected one.
 *
 * @throws Error where model or data are others than those of the settings, or
 * where rows have tokens that the loss leaves out.
 */
export async function writePlan(
  folder: string,
  settings: ComparisonSettings,
): Promise<void> {
  const inputs = await sameInputs(settings);
  const { train, heldOut, heldOutSource } = inputs.preferences;
  await Deno.mkdir(folder, { recursive: true });
  await writePairs(join(folder, "train.jsonl"), train.examples);
  await writePairs(join(folder, "held-out.jsonl"), heldOut);
  const runs = [];
  for (const point of gridPoints(settings)) {
    runs.push(await plannedRun(point, settings, inputs));
  }
  const plan = {
    train: settings.train,
    data: { train: train.description.sha256, heldOut: heldOutSource.sha256 },
    runs,
  };
  const text = `${canonicalJson(plan)}\n`;
  await writeTextAtomically(join(folder, "plan.json"), text);
}

async function writePairs(
  path: string,
  examples: readonly Example[],
): Promise<void> {
  const rows = examples.map((example, i) =>
    tokenFields(example, { kind: "pairs", location: `pair ${i + 1}` })
  );
  await writeRows(path, rows);
}

/** A run with the values of all options and the rows of each step. */
async function plannedRun(
  point: GridPoint,
  { train }: ComparisonSettings,
  { model, preferences }: Inputs,
) {
  const { policy, source, hash, tokenizer, called } = model;
  const given: InputsInMemory = {
    policy: { policy, source, weights: hash, tokenizer, called },
    data: preferences.train,
  };
  const prepared = await prepareRun(runSettings(point, train), given);
  const { loss, options, learningRate, seed } = prepared.settings;
  return {
    name: runName(point),
    ...{ loss, options, learningRate, seed },
    examples: prepared.inputs.loss.data,
    batches: prepared.plan.batches,
  };
}
