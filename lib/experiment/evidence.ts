import { Rng } from "../rng.ts";
import type { Bootstrap } from "../stats/bootstrap.ts";
import { signFlipTest } from "../stats/sign_flip.ts";

/** Whether the world was such that a claim could be tested there. */
export interface Check {
  /** The condition, in words: `training moves the policy by 0.1 nats`. */
  readonly name: string;
  /** Whether it holds. */
  readonly passed: boolean;
  /** What was found, as text. */
  readonly found: string;
}

/** The units that evidence rests on. */
export interface Sample {
  /** One of them: `draw` of the reference model, or `prompt`. */
  readonly unit: string;
  /** The number of them. */
  readonly count: number;
  /** Runs with different seeds in each, of which the median counts. */
  readonly seeds: number;
}

/**
 * An effect, oriented so that the claim says it is above 0, and how well it is
 * known.
 */
export interface Evidence {
  /** The effect, in the unit of the claim; `null` where no unit has one. */
  readonly estimate: number | null;
  /** Lower end of the 95 % interval; `null` where it has none. */
  readonly low: number | null;
  /** Upper end of the 95 % interval; `null` where it has none. */
  readonly high: number | null;
  /** The test of no effect; `null` where the effect is exact. */
  readonly test: {
    /** Two-sided p-value. */
    readonly p: number;
    /** The smallest p-value that a sample of this size can have. */
    readonly smallestP: number;
    /** The units that vary. */
    readonly sample: Sample;
  } | null;
  /** The effect in each unit, for dots in a figure. */
  readonly values: readonly number[];
  /** Conditions of the test; where one fails, the claim is not testable. */
  readonly checks: readonly Check[];
}

/** Options that evidence of every kind has. */
export interface EvidenceOptions {
  /** Conditions of the test. @default none */
  readonly checks?: readonly Check[];
}

/**
 * Evidence without sampling: a number that the settings determine.
 *
 * @param value `null` where a loss that it needs was not run: the claim is not
 * testable then.
 */
export function exactEvidence(
  value: number | null,
  { checks = [] }: EvidenceOptions = {},
): Evidence {
  const [estimate, low, high] = [value, value, value];
  const values = value === null ? [] : [value];
  return { estimate, low, high, test: null, values, checks };
}

/**
 * Evidence without sampling from the difference of two numbers, a − b; not
 * testable where one is missing, as where a loss was not run.
 */
export function exactDifference(
  a: number | null = null,
  b: number | null = null,
): Evidence {
  return exactEvidence(a === null || b === null ? null : a - b);
}

/**
 * Evidence from one effect per draw of the reference model, the unit that
 * results generalize over: its mean, with the sign-flip test and its interval.
 * Without a value it is not testable.
 *
 * @param values such as the differences of `pairedByDraw`.
 * @param options `seeds`: runs in each draw.
 */
export function drawsEvidence(
  values: readonly number[],
  { seeds, checks = [] }: EvidenceOptions & { readonly seeds: number },
): Evidence {
  if (values.length === 0) return unmeasured(seeds, checks);
  // Equal evidence gives equal findings: the flips have a seed of their own.
  const found = signFlipTest(values, { random: new Rng("sign flips") });
  const { n: count, mean: estimate, low, high, p, smallestP } = found;
  const test = { p, smallestP, sample: { unit: "draw", count, seeds } };
  return { estimate, low, high, test, values, checks };
}

function unmeasured(seeds: number, checks: readonly Check[]): Evidence {
  const sample = { unit: "draw", count: 0, seeds };
  const test = { p: 1, smallestP: 1, sample };
  return { estimate: null, low: null, high: null, test, values: [], checks };
}

/**
 * Evidence from a bootstrap over prompts, for a claim about one model. The
 * sample is of prompts alone: it does not generalize over training runs.
 */
export function promptsEvidence(
  { n: count, estimate, low, high, p, smallestP }: Bootstrap,
  { checks = [] }: EvidenceOptions = {},
): Evidence {
  const sample = { unit: "prompt", count, seeds: 1 };
  const test = { p, smallestP, sample };
  return { estimate, low, high, test, values: [], checks };
}
