import * as v from "valibot";
import type { ExperimentRuns } from "lib/experiment/summary.ts";
import type { TaughtSettings } from "./settings.ts";

/** A form from one reference: log π(chosen)/π(rejected) along time. */
export interface FormFlow {
  readonly loss: string;
  readonly start: number;
  readonly path: readonly { readonly time: number; readonly logOdds: number }[];
}

/** The optimum of a form in the world of reviews, or why there is none. */
export interface FormOptimum {
  readonly loss: string;
  readonly reward: number | null;
  readonly kl: number | null;
  readonly why: string | null;
}

export interface Summary {
  readonly flows: readonly FormFlow[];
  readonly optima: readonly FormOptimum[];
}

const OPTIMA = v.array(v.object({
  loss: v.string(),
  reward: v.optional(v.nullable(v.number()), null),
  kl: v.optional(v.nullable(v.number()), null),
  why: v.optional(v.nullable(v.string()), null),
}));

/** @throws Error where the record of the optima is missing. */
export function summarize(
  { exact, bySetting }: ExperimentRuns<TaughtSettings>,
): Summary {
  return {
    optima: v.parse(OPTIMA, exact?.record.summary["optima"]),
    flows: bySetting.map(({ method, level, runs }) => ({
      loss: method.loss,
      start: level["start"]!,
      path: runs[0]!.rows.map(({ time, logOdds }) => ({
        ...{ time: time!, logOdds: logOdds! },
      })),
    })),
  };
}

/** The flow of a form from a reference, if it was run. */
export function flowOf(
  { flows }: Summary,
  loss: string,
  start: number,
): FormFlow | undefined {
  return flows.find((flow) => flow.loss === loss && flow.start === start);
}

/** log π(chosen)/π(rejected) at the end. */
export function endOf({ path }: Pick<FormFlow, "path">): number {
  return path.at(-1)!.logOdds;
}
