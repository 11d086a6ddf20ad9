import type { Level } from "lib/experiment/grid.ts";
import { type BaseWeights, quantizeWeights } from "lib/models/base_weights.ts";
import { linearParameters } from "lib/models/parameters.ts";
import type { Weights } from "lib/models/weights/weights.ts";
import { Graph } from "lib/onnx/graph/graph.ts";
import { compile } from "lib/onnx/session.ts";
import { hostData } from "lib/onnx/tensors.ts";
import type { Start } from "../answers/decoder.ts";
import type { Rows, RowsTask, StartTask, Treatment } from "../answers/jobs.ts";
import { trainReference } from "../answers/model.ts";
import type { AnswersSettings } from "../answers/settings.ts";
import { samplePairs } from "../answers/world.ts";
import {
  hashWeights,
  type ReferenceModel,
} from "../reviews/reference_model.ts";

/** Runs that differ from a fixed point in one factor, the name of their level. */
export const TREATMENT: Treatment = { rows, startAt, settingsAt };

/** The pairs of the fixed point, other ones, or the same in another order. */
function rows(
  { point: { level }, reference, settings: { pairs: count }, rng }: RowsTask,
): Rows {
  const { pairs, order } = level;
  const drawn = samplePairs(reference, {
    count,
    rng: pairs === undefined ? rng : rng.split(`other ${pairs}`),
  });
  return {
    pairs: order === undefined
      ? drawn
      : rng.split(`order ${order}`).shuffle(drawn),
  };
}

/** Reference models beside those of the draws themselves, which are below. */
const OTHER_MODELS = 1000;

/** Another reference model, or the same one in fewer bits. */
async function startAt(
  { point: { draw, level: { model, bits } }, start, settings, device }:
    StartTask,
): Promise<Start> {
  if (bits !== undefined) {
    return { ...start, weights: await roundedTo(bits, start) };
  }
  if (model === undefined) return start;
  const number = OTHER_MODELS * (draw + 1) + model;
  return await trainReference(settings, { draw: number, device });
}

/** The same passes over the pairs in other batches, or computed otherwise. */
export function settingsAt(
  settings: AnswersSettings,
  { batch, threads, microTokens }: Level,
): AnswersSettings {
  const { training } = settings;
  const times = training.batch / (batch ?? training.batch);
  const steps = training.steps * times;
  return {
    ...settings,
    training: {
      ...training,
      ...{ steps, batch: training.batch / times },
      warmup: training.warmup * times,
      ...threads !== undefined && { threads },
      ...microTokens !== undefined && { microTokens },
    },
    evaluation: settings.evaluation.map((step) => step * times),
  };
}

const STORAGES: Readonly<Record<number, BaseWeights>> = {
  ...{ 16: "half", 8: "int8", 4: "int4" },
};

/** Weights of which linear layers are rounded as `--base-weights` rounds them. */
export async function roundedTo(
  bits: number,
  model: ReferenceModel,
): Promise<ReferenceModel["weights"]> {
  const { config, weights } = model;
  const { quantized } = await quantizeWeights(
    config,
    inMemory(model),
    STORAGES[bits]!,
  );
  const graph = new Graph();
  const outputs = linearParameters(config)
    .map(({ name }) => [name, quantized!.get(name)!(graph)] as const);
  const program = await compile(Object.fromEntries(outputs));
  const values = await program.run({});
  await program.release();
  const rounded = outputs.map(([name]) =>
    [name, Float32Array.from(hostData(values[name]), Number)] as const
  );
  return new Map([...weights, ...rounded]);
}

function inMemory(model: ReferenceModel): Weights {
  const { weights: held } = model;
  return {
    ...{ held, files: [] },
    names: () => [...held.keys()],
    get: () => undefined,
    read: (name) => Promise.resolve(held.get(name)!),
    readSync: (name) => held.get(name)!,
    assertFinite: () => Promise.resolve(),
    hash: () => Promise.resolve(hashWeights(model)),
  };
}
