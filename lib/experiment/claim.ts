import type { Verdict } from "../plot/figure.ts";
import { holm } from "../stats/holm.ts";
import type { Check, Evidence, Sample } from "./evidence.ts";

/** Where a claim was made. */
export interface Source {
  /** Authors and year, or the paper's short name: `KTO, section 4.3`. */
  readonly title: string;
  /** Address of the paper; empty where earlier runs suggested the claim. */
  readonly url: string;
}

/** A claim of the field, and how an experiment tests it. */
export interface Claim<Summary> {
  /** Names it in records and tests: `kto-flat-under-noise`. */
  readonly id: string;
  /** Where it was made. */
  readonly source: Source;
  /** One sentence that can be wrong. */
  readonly statement: string;
  /** Its number where it was made, as text; empty where it has none. */
  readonly reported: string;
  /** How it is measured here, in words. */
  readonly contrast: string;
  /** Unit of the effect: `nats`. */
  readonly unit: string;
  /** The smallest effect of interest, above 0, in that unit. */
  readonly delta: number;
  /** The effect that the runs show, above 0 where it is as claimed. */
  evidence(summary: Summary): Evidence;
}

/** A claim with its evidence and verdict, ready for JSON. */
export interface Finding extends Omit<Claim<never>, "evidence"> {
  /** The answer. */
  readonly verdict: Verdict;
  /** Why, in one sentence. */
  readonly reason: string;
  /** The effect, in the unit of the claim; `null` where nothing has one. */
  readonly estimate: number | null;
  /** Lower end of the 95 % interval; `null` where it has none. */
  readonly low: number | null;
  /** Upper end of the 95 % interval; `null` where it has none. */
  readonly high: number | null;
  /** The units of the sample; `null` where the effect is exact. */
  readonly n: Sample | null;
  /** Two-sided p-value of no effect; `null` where the effect is exact. */
  readonly p: number | null;
  /** The same after Holm's rule over the experiment. */
  readonly pAdjusted: number | null;
  /** The effect in each unit. */
  readonly values: readonly number[];
  /** Conditions of the test. */
  readonly checks: readonly Check[];
}

/** The error that all claims of an experiment together may make. */
const ALPHA = 0.05;

/**
 * Judges the claims of an experiment. Those that rest on samples are one family
 * for Holm's rule, whatever comes out; exact ones need no test.
 *
 * The first rule that applies gives the verdict:
 * 1. a check fails, the sample is a single unit, or so few units that no data
 *    could bring the adjusted p-value below 0.05: *not testable*;
 * 2. the estimate is at least δ, the 95 % interval above 0 and the adjusted
 *    p-value below 0.05: *shown*; the mirror image: *opposite*;
 * 3. the interval ends below δ: *not shown*, for an effect as large as δ on the
 *    claimed side is excluded, whether there is a smaller one, none, or one on
 *    the other side;
 * 4. otherwise *not testable*: an effect of δ is possible, and not established.
 *
 * @throws {RangeError} on a δ that is not above 0, an estimate that is not
 * finite or outside its interval, or two claims with one id.
 */
export function judge<Summary>(
  claims: readonly Claim<Summary>[],
  summary: Summary,
): Finding[] {
  const judged = claims.map((claim) => ({
    claim,
    evidence: claim.evidence(summary),
  }));
  checkNames(claims.map(({ id }) => id));
  judged.forEach(checkNumbers);
  const tests = judged.flatMap(({ evidence: { test } }) => test ?? []);
  const adjusted = holm(tests.map(({ p }) => p));
  const least = holm(tests.map(({ smallestP }) => smallestP));
  return judged.map(({ claim, evidence }) => {
    const at = evidence.test ? tests.indexOf(evidence.test) : -1;
    const pAdjusted = adjusted[at] ?? null;
    const { evidence: _, ...rest } = claim;
    const { test, ...found } = evidence;
    return {
      ...rest,
      ...verdictOf({ claim, evidence, pAdjusted, least: least[at] ?? 0 }),
      ...found,
      n: test?.sample ?? null,
      p: test?.p ?? null,
      pAdjusted,
    };
  });
}

interface Judged {
  readonly claim: Pick<Claim<never>, "id" | "delta" | "unit">;
  readonly evidence: Evidence;
}

function checkNames(ids: readonly string[]): void {
  const twice = ids.find((id, i) => ids.indexOf(id) < i);
  if (twice === undefined) return;
  throw new RangeError(`Cannot judge two claims "${twice}": expected one`);
}

function checkNumbers({ claim: { id, delta }, evidence }: Judged): void {
  const { estimate, low, high } = evidence;
  if (!(delta > 0 && Number.isFinite(delta))) {
    throw new RangeError(
      `Cannot judge "${id}" by δ = ${delta}: expected a number above 0`,
    );
  }
  if (estimate === null) return;
  const isInside = (low ?? -Infinity) <= estimate &&
    estimate <= (high ?? Infinity);
  if (!Number.isFinite(estimate) || !isInside) {
    throw new RangeError(
      `Cannot judge "${id}" by the estimate ${estimate} in [${low}, ${high}]: expected a finite number in its interval`,
    );
  }
}

interface Evaluated extends Judged {
  readonly pAdjusted: number | null;
  /** The smallest that the adjusted p-value could be. */
  readonly least: number;
}

interface Answer {
  readonly verdict: Verdict;
  readonly reason: string;
}

function verdictOf(evaluated: Evaluated): Answer {
  const { claim: { delta, unit }, evidence, pAdjusted } = evaluated;
  const { estimate } = evidence;
  const obstacle = obstacleOf(evaluated);
  if (obstacle !== null || estimate === null) {
    return {
      verdict: "not testable",
      reason: obstacle ?? "Nothing was found.",
    };
  }
  const [low, high] = [evidence.low ?? -Infinity, evidence.high ?? Infinity];
  const size = `${delta} ${unit}`.trimEnd();
  const holds = pAdjusted === null || pAdjusted < ALPHA;
  if (low > 0 && estimate >= delta && holds) {
    return {
      verdict: "shown",
      reason: `The effect is on the claimed side and at least ${size}.`,
    };
  }
  if (high < 0 && estimate <= -delta && holds) {
    return {
      verdict: "opposite",
      reason: `The effect is on the other side and at least ${size}.`,
    };
  }
  if (high <= delta) {
    return { verdict: "not shown", reason: exclusionOf(evidence, delta, size) };
  }
  return {
    verdict: "not testable",
    reason: doubtOf({ low, high, size, holds }),
  };
}

/** What keeps evidence from deciding, whatever its numbers are. */
function obstacleOf({ evidence, least }: Evaluated): string | null {
  const failed = evidence.checks.find(({ passed }) => !passed);
  if (failed) return `A check failed: ${failed.name} (${failed.found}).`;
  if (!evidence.test) return null;
  const { unit, count } = evidence.test.sample;
  if (count === 0) return `No ${unit} has a value.`;
  if (count === 1) return `Only one ${unit}.`;
  if (least < ALPHA) return null;
  return `${count} ${unit}s are too few: no data could bring p below ${ALPHA}.`;
}

/** The effects that an interval leaves open, none of them δ or more. */
function exclusionOf(
  { low, high }: Pick<Evaluated["evidence"], "low" | "high">,
  delta: number,
  size: string,
): string {
  const [least, most] = [low ?? -Infinity, high ?? Infinity];
  if (least >= -delta) {
    return least > 0 || most < 0
      ? `There is an effect, smaller than ${size}.`
      : `An effect of ${size} is excluded.`;
  }
  return most < 0
    ? `The effect is on the other side; whether it is as large as ${size} is open.`
    : `An effect of ${size} is excluded on the claimed side, not on the other.`;
}

/** Why an interval that reaches beyond δ decides nothing. */
function doubtOf(
  { low, high, size, holds }: {
    low: number;
    high: number;
    size: string;
    holds: boolean;
  },
): string {
  if (low <= 0 && high >= 0) {
    return `The interval holds both no effect and one larger than ${size}.`;
  }
  return holds
    ? `There is an effect, and it is open whether it is as large as ${size}.`
    : `The effect does not outlast Holm's rule over the claims.`;
}
