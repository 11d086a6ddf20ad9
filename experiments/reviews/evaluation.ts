import type { TokenRow } from "lib/data/example.ts";
import {
  createDivergence,
  type Divergence,
} from "lib/experiment/divergence.ts";
import { distinctN } from "lib/stats/describe.ts";
import { standardError } from "lib/stats/interval.ts";
import { mean } from "lib/train/metrics.ts";
import {
  createGenerator,
  type Generator,
} from "lib/models/generate/generate.ts";
import type { Policy } from "lib/models/policy.ts";
import type { Device } from "lib/onnx/providers.ts";
import type { Tensors } from "lib/onnx/tensors.ts";
import type { Rng } from "lib/rng.ts";
import { ForwardPass } from "lib/train/forward_pass.ts";
import type { Weights } from "./reference_model.ts";
import type { ReviewsSettings } from "./settings.ts";
import { goldReward, isWellFormed, PROMPTS, type Review } from "./world.ts";

/** Pairs that no run trains on, and their log-probabilities under π_ref. */
export interface HeldOut {
  readonly pairs: readonly TokenRow[];
  /** log π_ref of chosen and rejected, in nats. */
  readonly refLogProbs: readonly (readonly number[])[];
}

/** Measures of a policy on held-out pairs, as means. */
export interface PairMeasures {
  /** Share of pairs whose chosen completion gained strictly more than the rejected. */
  readonly accuracy: number;
  /** log π/π_ref of the chosen completions, in nats. */
  readonly chosen: number;
  /** log π/π_ref of the rejected completions, in nats. */
  readonly rejected: number;
}

/** All measures of a policy. */
export type Evaluation = Measures & PairMeasures;

/** Completions of one prompt in a row of a batch, which share the prompt. */
const TOGETHER = 6;

/** Measures policies of the experiment with compiled graphs. */
export class Evaluator {
  private constructor(
    private readonly settings: ReviewsSettings["evaluation"],
    private readonly generator: Generator,
    private readonly divergence: Divergence,
    private readonly forward: ForwardPass,
  ) {}

  static async create(
    settings: ReviewsSettings["evaluation"],
    options: { policy: Policy; reference: Weights; device: Device },
  ): Promise<Evaluator> {
    const { policy, reference, device } = options;
    return new Evaluator(
      settings,
      await createGenerator(policy, { device }),
      await createDivergence(policy, { reference, device }),
      new ForwardPass({ policy, device, microTokens: 2048 }),
    );
  }

  /** Samples at temperature 1, equally many of each prompt, prompt by prompt. */
  async sample(
    parameters: Tensors,
    { samples, rng }: { samples: number; rng: Rng },
  ): Promise<Review[]> {
    const found = await this.generator.generate(
      PROMPTS.map(({ ids }) => ids),
      {
        parameters,
        samples,
        stream: (label) => rng.split(label),
        maxNewTokens: this.settings.maxNewTokens,
      },
    );
    return found.flatMap((completions, i) =>
      completions.map(({ ids }) => ({ prompt: PROMPTS[i]!, completion: ids }))
    );
  }

  /** log π of each completion of each row, in nats. */
  score(rows: readonly TokenRow[], parameters: Tensors): Promise<number[][]> {
    return this.forward.logProbs(rows, { parameters });
  }

  async evaluate(
    parameters: Tensors,
    { rng, heldOut }: { rng: Rng; heldOut: HeldOut },
  ): Promise<{ measures: Evaluation; reviews: readonly Review[] }> {
    const { samplesPerPrompt: samples } = this.settings;
    const reviews = await this.sample(parameters, { samples, rng });
    const logProbs = await this.score(heldOut.pairs, parameters);
    const measures = {
      ...measure(await this.#withKl(reviews, parameters)),
      ...pairMeasures(logProbs, heldOut.refLogProbs),
    };
    return { measures, reviews };
  }

  async release(): Promise<void> {
    await this.generator.release();
    await this.divergence.release();
    await this.forward.release();
  }

  async #withKl(
    reviews: readonly Review[],
    parameters: Tensors,
  ): Promise<Sample[]> {
    const byRow = await this.divergence.tokenKl(rowsOf(reviews), parameters);
    const tokenKl = byRow.flat();
    return reviews.map((review, i) => ({ ...review, tokenKl: tokenKl[i]! }));
  }
}

/** Rows of a few neighbours that answer the same prompt. */
function rowsOf(reviews: readonly Review[]): TokenRow[] {
  const rows: {
    prompt: TokenRow["prompt"];
    completions: TokenRow["prompt"][];
  }[] = [];
  for (const { prompt: { ids: prompt }, completion } of reviews) {
    const last = rows.at(-1);
    const fits = last?.prompt === prompt && last.completions.length < TOGETHER;
    if (fits) last.completions.push(completion);
    else rows.push({ prompt, completions: [completion] });
  }
  return rows;
}

/** Compares log-probabilities of pairs, chosen first, with those under π_ref. */
export function pairMeasures(
  logProbs: readonly (readonly number[])[],
  refLogProbs: readonly (readonly number[])[],
): PairMeasures {
  const ratios = logProbs.map((list, i) =>
    list.map((logProb, k) => logProb - refLogProbs[i]![k]!)
  );
  return {
    accuracy: mean(
      ratios.map(([chosen, rejected]) => chosen! > rejected! ? 1 : 0),
    ),
    chosen: mean(ratios.map(([chosen]) => chosen!)),
    rejected: mean(ratios.map(([, rejected]) => rejected!)),
  };
}

/** A completion sampled from the policy at temperature 1, without top-p. */
export interface Sample extends Review {
  /** KL(π‖π_ref) of the next-token distributions before each of its tokens, in nats. */
  readonly tokenKl: ArrayLike<number>;
}

/** Measures of a policy on its samples, as means. */
export interface Measures {
  readonly goldReward: number;
  /** Standard error of the gold reward over samples. */
  readonly goldRewardError: number;
  /** KL(π‖π_ref) of whole completions, in nats. */
  readonly kl: number;
  /** Standard error of the KL over samples. */
  readonly klError: number;
  /** Tokens, the end of sequence among them. */
  readonly length: number;
  /** Share of distinct pairs of neighbouring tokens; see {@linkcode distinctN}. */
  readonly distinct2: number;
  /** Share of samples that no reviewer would write, or that do not end. */
  readonly broken: number;
}

/**
 * Measures a policy on its samples. Take equally many of each prompt: the
 * attainable frontier weighs prompts equally.
 *
 * The KL sums, along each sample, the exact KL of every next-token
 * distribution: unbiased as the mean of log π/π_ref is, never negative, and of
 * smaller variance (https://arxiv.org/abs/2504.10637).
 */
export function measure(samples: readonly Sample[]): Measures {
  const completions = samples.map(({ completion }) => completion);
  const rewards = completions.map(goldReward);
  const kls = samples.map(({ tokenKl }) => sum(tokenKl));
  return {
    goldReward: mean(rewards),
    goldRewardError: standardError(rewards) ?? 0,
    kl: mean(kls),
    klError: standardError(kls) ?? 0,
    length: mean(completions.map(({ length }) => length)),
    distinct2: distinctN(completions, 2),
    broken: mean(samples.map((sample) => isWellFormed(sample) ? 0 : 1)),
  };
}

function sum(values: ArrayLike<number>): number {
  return Array.from(values).reduce((a, b) => a + b, 0);
}
