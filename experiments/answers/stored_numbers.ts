import type { ExperimentRuns, SettingRuns } from "lib/experiment/summary.ts";
import { checkJson } from "lib/record/check_json.ts";
import { quantile } from "lib/stats/interval.ts";
import * as v from "valibot";

const NUMBER = v.number();

const FOUND = {
  ...{ reward: NUMBER, kl: NUMBER, klBack: NUMBER, entropy: NUMBER },
  ...{ chosen: NUMBER, rejected: NUMBER, unseen: NUMBER, illFormed: NUMBER },
  populationLoss: NUMBER,
  /** The largest reward of any policy at its distance. */
  attainable: NUMBER,
};

const OPTIMUM = v.variant("kind", [
  v.object({ kind: v.picklist(["attained", "limit"]), ...FOUND }),
  v.object({ kind: v.literal("none"), why: v.string() }),
]);

/** The policy that a loss itself would choose in a draw, or why there is none. */
export type Optimum = v.InferOutput<typeof OPTIMUM>;

/** Medians over optima. */
export type MiddleOptimum = Readonly<Record<keyof typeof FOUND, number>>;

const REFERENCE = v.object({
  wellFormed: NUMBER,
  entropy: NUMBER,
  attainable: v.array(v.object({ reward: NUMBER, kl: NUMBER })),
});

/** The models that runs start from: medians over draws. */
export type StoredReference = Readonly<v.InferOutput<typeof REFERENCE>>;

/**
 * The optimum of the loss beside the data of each run; `null` where it was not
 * asked for.
 *
 * @throws Error where a record holds something else.
 */
export function storedOptima({ runs }: SettingRuns): (Optimum | null)[] {
  return runs.map(({ record: { name, summary } }) =>
    checkJson(
      v.nullable(OPTIMUM),
      summary["optimum"],
      `Cannot use the optimum of "${name}"`,
    )
  );
}

/** The middle of optima; `null` where one is missing. */
export function middleOptimum(
  optima: readonly (Optimum | null)[],
): MiddleOptimum | null {
  const known = optima.flatMap((each) =>
    each && each.kind !== "none" ? [each] : []
  );
  if (known.length < optima.length) return null;
  const names = Object.keys(FOUND) as (keyof MiddleOptimum)[];
  const middles = names.map((name) =>
    [name, quantile(known.map((each) => each[name]), 0.5)] as const
  );
  return Object.fromEntries(middles) as MiddleOptimum;
}

/**
 * Reads how the models that runs start from stand to the grammar.
 *
 * @throws Error where a record does not hold that.
 */
export function storedReference(
  { references }: Pick<ExperimentRuns<unknown>, "references">,
): StoredReference {
  const all = [...references.values()].map(({ record }) =>
    checkJson(REFERENCE, record.summary, `Cannot use "${record.name}"`)
  );
  const middle = (of: (one: StoredReference) => number) =>
    quantile(all.map(of), 0.5);
  return {
    wellFormed: middle(({ wellFormed }) => wellFormed),
    entropy: middle(({ entropy }) => entropy),
    attainable: all[0]!.attainable.map((_, i) => ({
      reward: middle(({ attainable }) => attainable[i]!.reward),
      kl: middle(({ attainable }) => attainable[i]!.kl),
    })),
  };
}
