import type { TokenRow } from "lib/data/tree_batch.ts";
import { mean } from "lib/train/metrics.ts";
import {
  createGenerator,
  type Generator,
} from "lib/models/generate/generate.ts";
import type { Policy } from "lib/models/policy.ts";
import type { Device } from "lib/onnx/providers.ts";
import type { Tensors } from "lib/onnx/session.ts";
import type { Rng } from "lib/rng.ts";
import { Scorer } from "lib/train/scorer.ts";
import { createDivergence, type Divergence } from "./divergence.ts";
import { measure, type Measures, type Sample } from "./measures.ts";
import type { Weights } from "./reference_model.ts";
import type { FrontierSettings } from "./settings.ts";
import { PROMPTS, type Review } from "./world.ts";

/** Pairs that nothing was trained on, and what π_ref makes of them. */
export interface HeldOut {
  readonly pairs: readonly TokenRow[];
  /** log π_ref of chosen and rejected, in nats. */
  readonly refLogProbs: readonly (readonly number[])[];
}

/** How a policy does on held-out pairs, means in nats. */
export interface PairMeasures {
  /** Share of pairs whose chosen completion gained strictly more than the rejected. */
  readonly accuracy: number;
  /** log π/π_ref of the chosen completions. */
  readonly chosen: number;
  /** log π/π_ref of the rejected ones. */
  readonly rejected: number;
}

/** What is measured of a policy. */
export type Evaluation = Measures & PairMeasures;

/** Completions of one prompt that share a row, and so the prompt. */
const TOGETHER = 6;

/** The compiled graphs that measure a policy of the experiment. */
export class Evaluator {
  private constructor(
    private readonly settings: FrontierSettings["evaluation"],
    private readonly generator: Generator,
    private readonly divergence: Divergence,
    private readonly scorer: Scorer,
  ) {}

  static async create(
    settings: FrontierSettings["evaluation"],
    options: { policy: Policy; reference: Weights; device: Device },
  ): Promise<Evaluator> {
    const { policy, reference, device } = options;
    return new Evaluator(
      settings,
      await createGenerator(policy, { device }),
      await createDivergence(policy, { reference, device }),
      new Scorer({ policy, device, microTokens: 2048 }),
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
    return this.scorer.score(rows, { parameters });
  }

  async evaluate(
    parameters: Tensors,
    { rng, heldOut }: { rng: Rng; heldOut: HeldOut },
  ): Promise<Evaluation> {
    const { samplesPerPrompt: samples } = this.settings;
    const reviews = await this.sample(parameters, { samples, rng });
    const logProbs = await this.score(heldOut.pairs, parameters);
    return {
      ...measure(await this.#withKl(reviews, parameters)),
      ...pairMeasures(logProbs, heldOut.refLogProbs),
    };
  }

  async release(): Promise<void> {
    await this.generator.release();
    await this.divergence.release();
    await this.scorer.release();
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

/** Neighbours that answer the same prompt, in rows of a few. */
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
