import type { RunRecord } from "../record/record.ts";
import type { GridPoint, GridSettings } from "./grid.ts";

const POINT: GridPoint = {
  ...{ loss: "dpo", value: 1, learningRate: 1, seed: 1 },
  option: "beta",
};
const POINTS: readonly GridPoint[] = [POINT, { ...POINT, option: null }];

/** The settings in a record, and its run; `null` for what all runs start from. */
export interface StoredSettings<S> {
  readonly settings: S;
  readonly point: GridPoint | null;
}

/**
 * Reads the settings of a record.
 *
 * @param example settings of the same experiment.
 * @throws Error that names the setting that is not like the example's.
 */
export function storedSettings<S extends GridSettings>(
  { name, settings }: Pick<RunRecord, "name" | "settings">,
  example: S,
): StoredSettings<S> {
  const { experiment: _experiment, run, ...rest } = settings;
  const location = `settings of ${name}`;
  return {
    settings: like(rest, example, location),
    point: run === null ? null : like([run], POINTS, `${location}/run`)[0]!,
  };
}

/**
 * A value that is built like an example of its type. Each item of a list is
 * like one of the example's items.
 *
 * @param location names the value in an error.
 * @throws Error that names the part that is not like the example's.
 */
export function like<T>(value: unknown, example: T, location: string): T {
  if (isLike(value, example)) return value;
  throw new Error(
    `Cannot use a record: ${unlikeness(value, example, location)}`,
  );
}

function isLike<T>(value: unknown, example: T): value is T {
  return unlikeness(value, example, "") === null;
}

/** The first part of the value that differs in kind, or `null`. */
function unlikeness(
  value: unknown,
  example: unknown,
  location: string,
): string | null {
  if (kindOf(value) !== kindOf(example)) {
    const actual = JSON.stringify(value)?.slice(0, 60);
    return `${location} is ${actual}, expected ${kindOf(example)}`;
  }
  if (Array.isArray(value) && Array.isArray(example)) {
    return firstProblem(value.map((item, i) => {
      const tried = example.map((each) =>
        unlikeness(item, each, `${location}/${i}`)
      );
      return tried.includes(null) ? null : tried[0] ?? null;
    }));
  }
  if (!isObject(value) || !isObject(example)) return null;
  const members = new Map(Object.entries(value));
  return firstProblem(
    Object.entries(example).map(([name, inner]) =>
      unlikeness(members.get(name), inner, `${location}/${name}`)
    ),
  );
}

function firstProblem(problems: readonly (string | null)[]): string | null {
  return problems.find((problem) => problem !== null) ?? null;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return isObject(value) ? "an object" : `a ${typeof value}`;
}
