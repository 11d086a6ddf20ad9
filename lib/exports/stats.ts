/**
 * Intervals of means, and the seeded generator behind every random choice.
 *
 * @module
 */
export { Rng, type RngState } from "../rng.ts";
export {
  type Interval,
  type IntervalOptions,
  meanInterval,
  type PairedDifference,
  pairedDifference,
} from "../stats/interval.ts";
