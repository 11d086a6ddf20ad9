import { Rng } from "../../rng.ts";
import { quantile } from "../../stats/interval.ts";
import {
  type Cluster,
  CLUSTER_MODELS,
  type ClusterModel,
  drawCluster,
  PEAK,
  sizesOf,
} from "./cluster.ts";
import { type RankCosts, ringBytes, stepSeconds } from "./fitted_costs.ts";
import { largestShare } from "./largest_share.ts";

/** Tokens of a pair on average. */
export const PAIR_TOKENS = 1000;
const GPUS = [8, 64, 1000];
/** Pairs of a step: so many for each GPU, or as many as people take. */
const BATCHES = [(gpus: number) => 4 * gpus, () => 512];
const DRAWS = 100;

/** A number under the assumptions: its median, and what 90 % lie between. */
export type Range = Readonly<Record<"median" | "low" | "high", number>>;

/** A training step on a cluster. */
export interface ClusterStep extends ClusterModel {
  readonly gpus: number;
  /** Pairs of the step. */
  readonly pairs: number;
  readonly seconds: Range;
  /** Time of one GPU with enough memory, over that of all together. */
  readonly efficiency: Range;
  /** The part of the time in which gradients are summed. */
  readonly summing: Range;
}

/**
 * Extrapolates steps to clusters: calls between ranks cost what they were
 * measured to cost here, products and network what is assumed.
 *
 * @param lengths of pairs, in the proportions of which shares are made.
 */
export function clusterSteps(
  costs: RankCosts,
  lengths: readonly number[],
): ClusterStep[] {
  const batches = GPUS.flatMap((gpus) =>
    BATCHES.map((pairsOf) => {
      const pairs = pairsOf(gpus);
      return { gpus, pairs, shares: drawShares(lengths, { gpus, pairs }) };
    })
  );
  return CLUSTER_MODELS.flatMap((model) =>
    batches.map(({ shares, ...batch }) =>
      clusterStep({ ...model, ...batch }, costs, shares)
    )
  );
}

type Step = Pick<ClusterStep, "model" | "tuning" | "gpus" | "pairs">;

/** The busiest GPU's part of several batches. */
function drawShares(
  lengths: readonly number[],
  { gpus, pairs }: Pick<Step, "gpus" | "pairs">,
): number[] {
  const rng = new Rng("shares");
  return Array.from({ length: DRAWS }, () => {
    const length = () => lengths[rng.integer(lengths.length)]!;
    return largestShare(Array.from({ length: pairs }, length), gpus);
  });
}

function clusterStep(
  step: Step,
  costs: RankCosts,
  shares: readonly number[],
): ClusterStep {
  const rng = new Rng("cluster");
  const drawn = shares.map((share) =>
    timesOn(drawCluster(rng), { ...step, share, costs })
  );
  const rangeOf = (values: readonly number[]): Range => ({
    median: quantile(values, 0.5),
    low: quantile(values, 0.05),
    high: quantile(values, 0.95),
  });
  return {
    ...step,
    seconds: rangeOf(drawn.map(({ seconds }) => seconds)),
    efficiency: rangeOf(drawn.map(({ efficiency }) => efficiency)),
    summing: rangeOf(drawn.map(({ summing }) => summing)),
  };
}

/** Products with weights: forward, to inputs, and where they train to weights. */
const PRODUCTS = { lora: 2, full: 3 } as const;

function timesOn(
  { products, perStep, network, host, message }: Cluster,
  { gpus, pairs, share, costs, ...model }: Step & {
    share: number;
    costs: RankCosts;
  },
) {
  const { weights, trained } = sizesOf(model);
  const operations = 2 * PRODUCTS[model.tuning] * weights;
  const onCluster: RankCosts = {
    ...costs,
    perStep,
    perToken: operations / (PEAK * products),
    // A tree there and back.
    perCall: costs.perCall + 2 * Math.ceil(Math.log2(gpus)) * message,
    perByte: 1 / network,
  };
  const work = {
    ...{ examples: pairs, tokens: PAIR_TOKENS * pairs, floats: trained },
    inTurn: 1,
  };
  const alone = stepSeconds(onCluster, { ...work, ranks: 1, share: 1 });
  // Gradients go to the host's memory and back.
  const copying = 2 * 4 * trained / host;
  const seconds = copying +
    stepSeconds(onCluster, { ...work, ranks: gpus, share });
  const summing = (copying + ringBytes(trained, gpus) / network) / seconds;
  return { seconds, efficiency: alone / gpus / seconds, summing };
}
