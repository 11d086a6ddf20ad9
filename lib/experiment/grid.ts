import { type LossOptionValues, resolveOptions } from "../losses/options.ts";
import { findLoss } from "../losses/registry.ts";

/** A loss, the values of one option that are compared, and its learning rate. */
export interface Method {
  /** Name of the loss. */
  readonly loss: string;
  /** The option that varies, or `learningRate`; `null` where nothing does. */
  readonly option: string | null;
  /** Its values, each a run of its own; a single 0 where there is none. */
  readonly values: readonly number[];
  readonly learningRate: number;
}

/** The settings that the runs of every experiment follow from. */
export interface GridSettings {
  readonly seeds: readonly number[];
  readonly methods: readonly Method[];
}

/** One run: a method at one of its values, and a seed. */
export interface GridPoint {
  readonly loss: string;
  readonly option: string | null;
  readonly value: number;
  readonly learningRate: number;
  readonly seed: number;
}

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
