import type { RunRecord } from "lib/record/record.ts";
import type { AttainablePoint } from "./attainable.ts";
import type { RunSpec } from "./bench.ts";
import { type FrontierSettings, FULL } from "./settings.ts";

const SPEC: RunSpec = {
  loss: "dpo",
  option: "beta",
  value: 1,
  learningRate: 1,
  seed: 1,
};
const POINT: AttainablePoint = {
  beta: 1,
  reward: 1,
  kl: 1,
  effectiveSamples: 1,
};

/** What a record of this experiment says it did; `run` is null for π_ref. */
export function storedSettings(
  { name, settings }: Pick<RunRecord, "name" | "settings">,
): { settings: FrontierSettings; run: RunSpec | null } {
  const { experiment: _experiment, run, ...rest } = settings;
  const place = `settings of ${name}`;
  return {
    settings: like(rest, FULL, place),
    run: run === null ? null : like(run, SPEC, `${place}/run`),
  };
}

/** The attainable frontier that the record of π_ref has. */
export function storedAttainable(
  { name, summary }: Pick<RunRecord, "name" | "summary">,
): AttainablePoint[] {
  return like(summary["attainable"], [POINT], `summary of ${name}/attainable`);
}

/** Members that may be null, and those that may be a text or a number instead. */
const NULLABLE = ["option", "scaling", "bosId"];

/**
 * A value that is built like an example of its type.
 *
 * @throws Error that names the place which is not.
 */
function like<T>(value: unknown, example: T, place: string): T {
  if (isLike(value, example, place)) return value;
  throw new Error(`Cannot use a record: ${place} is missing`);
}

function isLike<T>(value: unknown, example: T, place: string): value is T {
  const refuse = (expected: string) => {
    throw new Error(
      `Cannot use a record: ${place} is ${
        JSON.stringify(value)?.slice(0, 60)
      }, expected ${expected}`,
    );
  };
  const key = place.split("/").at(-1)!;
  if (value === null && NULLABLE.includes(key)) return true;
  if (Array.isArray(example)) {
    if (!Array.isArray(value)) return refuse("a list");
    return value.every((item, i) => isLike(item, example[0], `${place}/${i}`));
  }
  if (typeof example === "object" && example !== null) {
    if (typeof value !== "object" || value === null) return refuse("an object");
    const found = new Map(Object.entries(value));
    return Object.entries(example).every(([name, inner]) =>
      isLike(found.get(name), inner, `${place}/${name}`)
    );
  }
  return typeof value === typeof example || refuse(`a ${typeof example}`);
}
