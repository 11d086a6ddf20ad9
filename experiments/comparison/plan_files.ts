import { join } from "node:path";
import type { Example } from "lib/data/example.ts";
import { tokenFields } from "lib/data/write/layout.ts";
import { writeRows } from "lib/data/write/rows_file.ts";
import { type GridPoint, gridPoints, runName } from "lib/experiment/grid.ts";
import { lossOf, type MethodLosses } from "lib/experiment/method_losses.ts";
import { writeTextAtomically } from "lib/files/atomic.ts";
import { writeAdapter } from "lib/models/adapter/adapter_folder.ts";
import { adapterOf } from "lib/models/load_policy.ts";
import { canonicalJson } from "lib/record/canonical_json.ts";
import { loadModel, type RunModel } from "lib/run/inputs.ts";
import { prepareRun } from "lib/run/plan.ts";
import { sameInputs } from "./contents.ts";
import { runSettings } from "./methods.ts";
import type { Preferences } from "./preferences.ts";
import type { ComparisonSettings } from "./settings.ts";

/**
 * Writes all that another trainer needs to make the runs of a comparison again
 * on the same tokens: `train.jsonl` and `held-out.jsonl`, pairs as token ids;
 * `plan.json`, with every run's options and the rows of its batches; and
 * `adapter-seed1` for each seed, the new adapter that its runs begin with, in
 * PEFT's layout.
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
  const { preferences, losses } = await sameInputs(settings);
  const { train, heldOut, heldOutSource } = preferences;
  await Deno.mkdir(folder, { recursive: true });
  await writePairs(join(folder, "train.jsonl"), train.examples);
  await writePairs(join(folder, "held-out.jsonl"), heldOut);
  const runs = [];
  for (const seed of settings.seeds) {
    const { model } = await loadModel({ ...settings.train, seed }, {});
    await writeStart(join(folder, `adapter-seed${seed}`), model);
    for (const point of gridPoints({ ...settings, seeds: [seed] })) {
      runs.push(
        await plannedRun(point, settings, { model, preferences, losses }),
      );
    }
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

async function writeStart(
  folder: string,
  { policy: { config }, lora, source, adapterSource }: RunModel,
): Promise<void> {
  if (lora === null || adapterSource !== null) return;
  const base = { baseModel: source, config };
  await writeAdapter(folder, adapterOf(lora, lora.initial), base);
}

/** A run with the values of all options and the rows of each step. */
async function plannedRun(
  point: GridPoint,
  { train }: ComparisonSettings,
  { model, preferences, losses }: {
    model: RunModel;
    preferences: Preferences;
    losses: MethodLosses;
  },
) {
  const { hash: weights } = model;
  const chosen = lossOf(losses, point);
  const run = runSettings(point, { train, loss: chosen.loss });
  const prepared = await prepareRun(run, {
    loss: chosen,
    policy: { ...model, weights },
    data: preferences.train,
  });
  const { loss, options, learningRate, seed } = prepared.settings;
  return {
    name: runName(point),
    ...{ loss, options, learningRate, seed },
    examples: prepared.inputs.loss.data,
    batches: prepared.plan.batches,
  };
}
