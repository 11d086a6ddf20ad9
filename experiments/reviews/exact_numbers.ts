import * as v from "valibot";
import { nameOf } from "lib/experiment/figure_parts.ts";
import { METHOD, type Method } from "lib/experiment/grid.ts";
import type { PlanePoint } from "lib/experiment/run_plane.ts";
import { checkJson } from "lib/record/check_json.ts";
import type { RecordedRun } from "lib/record/record.ts";

const POINT = { reward: v.number(), kl: v.number() };

const OPTIMUM = {
  ...{ loss: v.string(), flip: v.number() },
  options: METHOD.entries.options,
};

const EXACT_NUMBERS = v.object({
  attainable: v.array(v.object({ beta: v.number(), ...POINT })),
  bestOf: v.array(v.object({ n: v.number(), ...POINT })),
  accuracyCeiling: v.number(),
  optima: v.array(
    v.variant("kind", [
      v.object({
        ...OPTIMUM,
        kind: v.picklist(["attained", "limit"]),
        ...POINT,
      }),
      v.object({
        ...OPTIMUM,
        kind: v.literal("none"),
        why: v.string(),
      }),
    ]),
  ),
});

/** Numbers of the world that no run decides. */
export type ExactNumbers = v.InferOutput<typeof EXACT_NUMBERS>;

/**
 * The numbers that a record of `exactNumbers` holds.
 *
 * @throws Error where there is none, or it holds others.
 */
export function storedExact(exact: RecordedRun | null): ExactNumbers {
  if (!exact) {
    throw new Error('Cannot summarize: the record "exact" is missing');
  }
  const doing = 'Cannot use the summary of "exact"';
  return checkJson(EXACT_NUMBERS, exact.record.summary, doing);
}

/** Where the loss of a method wants to go; `null` where that is not known. */
export function optimumOf(
  { optima }: Pick<ExactNumbers, "optima">,
  method: Pick<Method, "loss" | "options">,
  flip = 0,
): PlanePoint | null {
  const found = optima.find((each) =>
    each.flip === flip && nameOf(each) === nameOf(method)
  );
  if (!found || found.kind === "none") return null;
  return { reward: found.reward, kl: found.kl };
}

/**
 * The same for an experiment that measures how far runs are from there.
 *
 * @throws Error where it is not known.
 */
export function knownOptimum(
  exact: Pick<ExactNumbers, "optima">,
  method: Pick<Method, "loss" | "options">,
): PlanePoint {
  const optimum = optimumOf(exact, method);
  if (optimum) return optimum;
  throw new Error(`The optimum of ${nameOf(method)} is not known`);
}

/** Reward of the exact frontier at a KL, linear in √KL between its points. */
export function attainableReward(
  { attainable }: Pick<ExactNumbers, "attainable">,
  kl: number,
): number {
  const after = attainable.findIndex((point) => point.kl >= kl);
  if (after < 0) return attainable.at(-1)!.reward;
  const to = attainable[after]!;
  const from = attainable[after - 1] ?? { reward: 0, kl: 0 };
  const share = (Math.sqrt(kl) - Math.sqrt(from.kl)) /
    (Math.sqrt(to.kl) - Math.sqrt(from.kl));
  return from.reward + (to.reward - from.reward) * share;
}
