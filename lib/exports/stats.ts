/**
 * Tests, intervals and sample sizes for comparisons of methods, and the seeded
 * generator behind every random choice.
 *
 * @module
 */
export { Rng, type RngState } from "../rng.ts";
export { type BinomialInterval, binomialInterval } from "../stats/binomial.ts";
export {
  type Bootstrap,
  bootstrap,
  type BootstrapOptions,
} from "../stats/bootstrap.ts";
export { holm } from "../stats/holm.ts";
export { pairsNeeded, type PowerOptions } from "../stats/power.ts";
export {
  type SignFlipOptions,
  type SignFlipTest,
  signFlipTest,
  type Uniform,
} from "../stats/sign_flip.ts";
export {
  type Interval,
  type IntervalOptions,
  meanInterval,
  type PairedDifference,
  pairedDifference,
  standardError,
} from "../stats/interval.ts";
