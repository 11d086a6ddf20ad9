import * as v from "valibot";
import { type LossOptionValues, resolveOptions } from "../losses/options.ts";
import { findLoss } from "../losses/registry.ts";
import { COUNT, SHA256, TEXT } from "../record/check_json.ts";

const OPTION_VALUE = v.union([v.number(), v.string(), v.boolean()]);

/** Schema of {@linkcode Method}. */
export const METHOD = v.strictObject({
  /** Name of the loss. */
  loss: v.string(),
  /** The options that it is trained with; those that are absent have defaults. */
  options: v.record(v.string(), OPTION_VALUE),
  learningRate: v.number(),
  /**
   * The file that a loss is from, and SHA-256 of it and of those that it imports
   * by a path; absent for known losses.
   */
  file: v.exactOptional(
    v.strictObject({ path: TEXT, code: v.array(SHA256) }),
  ),
});

/**
 * A loss with its options and its learning rate. The methods of one loss are
 * the path that its option leads along.
 *
 * @internal
 */
export type Method = Readonly<v.InferOutput<typeof METHOD>>;

/** Schema of {@linkcode Level}. */
export const LEVEL = v.record(v.string(), v.number());

/**
 * A treatment of the data that an experiment varies, by name, such as
 * `{ flip: 0.2 }` for a fifth of the labels turned.
 *
 * @internal
 */
export type Level = Readonly<v.InferOutput<typeof LEVEL>>;

const GRID_METHOD = v.strictObject({
  ...METHOD.entries,
  /** The levels that it runs at. @default all of the grid */
  levels: v.optional(v.pipe(v.array(LEVEL), v.readonly())),
});

/**
 * A method in a grid, which may have levels of its own, such as weights that
 * are meant for one treatment.
 *
 * @internal
 */
export type GridMethod = Readonly<v.InferOutput<typeof GRID_METHOD>>;

/** The parts of the settings of every experiment that its runs follow from. */
export const GRID = {
  /** Losses to compare, with their options and rates. */
  methods: v.array(GRID_METHOD),
  /** Seed of each model that runs start from. */
  draws: v.array(COUNT),
  /** Seed of each repetition with one such model. */
  seeds: v.array(COUNT),
  /** Treatments of the data; a single `{}` where there is none. */
  levels: v.array(LEVEL),
};

/** The settings that the runs of every experiment follow from. */
export interface GridSettings {
  /** Losses to compare, with their options and rates. */
  readonly methods: readonly GridMethod[];
  /** Seed of each model that runs start from. */
  readonly draws: readonly number[];
  /** Seed of each repetition with one such model. */
  readonly seeds: readonly number[];
  /** Treatments of the data; a single `{}` where there is none. */
  readonly levels: readonly Level[];
}

/** Schema of {@linkcode GridPoint}. */
export const GRID_POINT = v.strictObject({
  ...METHOD.entries,
  level: LEVEL,
  draw: COUNT,
  seed: COUNT,
});

/**
 * One run: a method, a level, a draw of the model that it starts from, and a
 * seed.
 *
 * @internal
 */
export type GridPoint = Readonly<v.InferOutput<typeof GRID_POINT>>;

/** The runs that share data: a draw, a seed and a level. */
export type DataPoint = Pick<GridPoint, "draw" | "seed" | "level">;

/**
 * Every run: draws × methods × their levels × seeds. Runs that start from one
 * model are neighbours, and among them those of one loss.
 *
 * @throws Error where two runs have the same name.
 */
export function gridPoints(
  { methods, draws, seeds, levels }: GridSettings,
): GridPoint[] {
  const points = draws.flatMap((draw) =>
    methods.flatMap(({ levels: own = levels, ...method }) =>
      own.flatMap((level) =>
        seeds.map((seed) => ({ ...method, level, draw, seed }))
      )
    )
  );
  const names = points.map(runName);
  const twice = names.toSorted().find((name, i, all) => name === all[i + 1]);
  if (twice === undefined) return points;
  throw new Error(`Cannot run "${twice}" twice: expected settings that differ`);
}

/**
 * Name of a run's folder and record, such as `dpo-beta1-draw0-seed1`. Options
 * are in alphabetical order, as records have them.
 */
export function runName(
  { loss, options, level, draw, seed }: GridPoint,
): string {
  const parts = [...sorted(options), ...sorted(level)]
    .map(([name, value]) => `${name}${value}`);
  return [loss, ...parts, `draw${draw}`, `seed${seed}`].join("-");
}

function sorted<T>(values: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(values).toSorted(([a], [b]) => a < b ? -1 : 1);
}

/** Name of the record of the model that the runs of a draw start from. */
export function referenceName(draw: number): string {
  return `reference-draw${draw}`;
}

/** Name of the record of numbers that are exact and need no run. */
export const EXACT = "exact";

/** The options of a run's loss: defaults, except for those that it names. */
export function lossOptionsAt({ loss, options }: Method): LossOptionValues {
  return resolveOptions(findLoss(loss), options);
}
