import * as v from "valibot";
import { type LossOptionValues, resolveOptions } from "../losses/options.ts";
import { findLoss } from "../losses/registry.ts";
import { COUNT } from "../record/check_json.ts";

/** Schema of {@linkcode Method}. */
export const METHOD = v.strictObject({
  /** Name of the loss. */
  loss: v.string(),
  /** The option that varies, or `learningRate`; `null` where nothing does. */
  option: v.nullable(v.string()),
  /** Its values, each a run of its own; a single 0 where there is none. */
  values: v.array(v.number()),
  learningRate: v.number(),
});

/**
 * A loss, the values of one option that are compared, and its learning rate.
 *
 * @internal
 */
export type Method = v.InferOutput<typeof METHOD>;

/** The settings that the runs of every experiment follow from. */
export interface GridSettings {
  /** Seed of each repetition. */
  readonly seeds: readonly number[];
  /** Losses to compare. */
  readonly methods: readonly Method[];
}

/** Schema of {@linkcode GridPoint}. */
export const GRID_POINT = v.strictObject({
  loss: v.string(),
  option: v.nullable(v.string()),
  value: v.number(),
  learningRate: v.number(),
  seed: COUNT,
});

/**
 * One run: a method at one of its values, and a seed.
 *
 * @internal
 */
export type GridPoint = Readonly<v.InferOutput<typeof GRID_POINT>>;

/** Every run: methods × values × seeds. Runs of one loss are neighbours. */
export function gridPoints({ methods, seeds }: GridSettings): GridPoint[] {
  return settingPoints(methods).flatMap((setting) =>
    seeds.map((seed) => ({ ...setting, seed }))
  );
}

/** Every setting of the methods: a grid without its seeds. */
export function settingPoints(
  methods: readonly Method[],
): Omit<GridPoint, "seed">[] {
  return methods.flatMap(({ loss, option, values, learningRate }) =>
    values.map((value) => ({
      ...{ loss, option, value },
      learningRate: option === "learningRate" ? value : learningRate,
    }))
  );
}

/** Name of a run's folder and record, such as `dpo-beta0.1-seed1`. */
export function runName({ loss, option, value, seed }: GridPoint): string {
  return `${loss}${option === null ? "" : `-${option}${value}`}-seed${seed}`;
}

/** The options of a run's loss: defaults, except for the one that varies. */
export function lossOptionsAt(
  { loss, option, value }: GridPoint,
): LossOptionValues {
  const isOfLoss = option !== null && option !== "learningRate";
  return resolveOptions(findLoss(loss), isOfLoss ? { [option]: value } : {});
}
