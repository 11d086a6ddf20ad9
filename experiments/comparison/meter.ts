import type { Example, TokenRow } from "lib/data/example.ts";
import { completionText } from "lib/data/tokenize/completion_text.ts";
import type { Tokenizer } from "lib/data/tokenizer/tokenizer.ts";
import {
  createGenerator,
  type Generator,
} from "lib/models/generate/generate.ts";
import type { Policy } from "lib/models/policy.ts";
import type { CompileOptions, Tensors } from "lib/onnx/session.ts";
import type { MetricsRow } from "lib/record/metrics.ts";
import type { Rng } from "lib/rng.ts";
import { distinctN } from "lib/stats/describe.ts";
import { standardError } from "lib/stats/interval.ts";
import { ForwardPass } from "lib/train/forward_pass.ts";
import { mean } from "lib/train/metrics.ts";
import { tensorsOf } from "lib/train/trained_parameters.ts";
import type { ComparisonSettings } from "./settings.ts";

/** log π of chosen and rejected of each held-out pair, in nats. */
export type PairLogProbs = readonly (readonly number[])[];

/** A policy's answers to prompts that no run trains on. */
export interface Answers {
  readonly measures: Omit<MetricsRow, "step">;
  readonly texts: readonly string[];
}

export interface MeterOptions extends CompileOptions {
  readonly settings: ComparisonSettings;
  /** The policy before training, which is the reference. */
  readonly policy: Policy;
  /** Pairs that no run trains on. */
  readonly heldOut: readonly Example[];
  readonly tokenizer: Tokenizer | null;
}

/** Measures policies of one shape; its graphs are compiled once. */
export class Meter {
  readonly #forward: ForwardPass;
  readonly #generator: Promise<Generator>;
  /** The reference's parameters. */
  readonly initial: Tensors;
  readonly #prompts: readonly TokenRow["prompt"][];
  #reference: Promise<PairLogProbs> | undefined;

  constructor(private readonly options: MeterOptions) {
    const { policy, heldOut, settings, device, threads } = options;
    const { microTokens } = settings.train;
    const compiling = { ...device && { device }, ...threads && { threads } };
    this.#forward = new ForwardPass({ policy, microTokens, ...compiling });
    this.#generator = createGenerator(policy, compiling);
    this.initial = tensorsOf(policy.trained, policy.initial);
    const distinct = new Map(
      heldOut.map(({ prompt }) => [prompt.join(), prompt]),
    );
    this.#prompts = [...distinct.values()].slice(
      0,
      settings.evaluation.prompts,
    );
  }

  /** Number of the prompt of each held-out pair, in the order of the prompts. */
  get promptOfPair(): readonly number[] {
    const numbers = new Map<string, number>();
    return this.options.heldOut.map(({ prompt }) => {
      const key = prompt.join();
      const number = numbers.get(key) ?? numbers.size;
      numbers.set(key, number);
      return number;
    });
  }

  /** The prompts that are answered, as text; token ids without a tokenizer. */
  get promptTexts(): readonly string[] {
    const { tokenizer } = this.options;
    return this.#prompts.map((ids) =>
      tokenizer ? completionText(ids, { tokenizer }) : ids.join(" ")
    );
  }

  /** log π of the held-out pairs under the policy before training. */
  reference(): Promise<PairLogProbs> {
    return this.#reference ??= this.pairs(this.initial);
  }

  /** log π of the held-out pairs. */
  pairs(parameters: Tensors): Promise<PairLogProbs> {
    return this.#forward.logProbs(this.options.heldOut, { parameters });
  }

  /**
   * Draws an answer to each prompt, at temperature 1. Its KL(π‖π_ref) is the
   * mean of log π − log π_ref, in nats an answer.
   */
  async answers(parameters: Tensors, rng: Rng): Promise<Answers> {
    const { maxNewTokens } = this.options.settings.evaluation;
    const generator = await this.#generator;
    const drawn = await generator.generate(this.#prompts, {
      ...{ parameters, maxNewTokens, stream: (label) => rng.split(label) },
    });
    const completions = drawn.map(([first]) => first!);
    const rows = completions.map(({ ids }, i) => ({
      prompt: this.#prompts[i]!,
      completions: [ids],
    }));
    const before = await this.#forward.logProbs(rows, {
      parameters: this.initial,
    });
    const ratios = completions.map(({ logProbs }, i) =>
      logProbs.reduce((a, b) => a + b, 0) - before[i]![0]!
    );
    const lengths = completions.map(({ ids }) => ids.length);
    return {
      measures: {
        kl: mean(ratios),
        klError: standardError(ratios),
        length: mean(lengths),
        distinct2: distinctN(completions.map(({ ids }) => ids), 2),
      },
      texts: completions.map(({ ids }, i) => this.#text(ids, i)),
    };
  }

  async release(): Promise<void> {
    await this.#forward.release();
    await (await this.#generator).release();
  }

  #text(ids: readonly number[], prompt: number): string {
    const { tokenizer } = this.options;
    if (!tokenizer) return ids.join(" ");
    return completionText(ids, { tokenizer, after: this.#prompts[prompt]! });
  }
}

/** log-ratio of chosen over rejected of each pair, log π/π_ref, in nats. */
export function marginsOf(logProbs: PairLogProbs, before: PairLogProbs) {
  return logProbs.map(([chosen, rejected], i) =>
    chosen! - before[i]![0]! - (rejected! - before[i]![1]!)
  );
}

/**
 * Measures that all methods share, as means over pairs: accuracy under the
 * implicit reward, log π/π_ref, and under log π alone; log π/π_ref of chosen
 * and rejected, and their difference, in nats.
 */
export function pairMeasures(
  logProbs: PairLogProbs,
  before: PairLogProbs,
): Record<
  "accuracy" | "logProbAccuracy" | "chosen" | "rejected" | "margin",
  number
> {
  const margins = marginsOf(logProbs, before);
  const changed = (k: number) =>
    mean(logProbs.map((pair, i) => pair[k]! - before[i]![k]!));
  return {
    accuracy: mean(margins.map((margin) => Number(margin > 0))),
    logProbAccuracy: mean(logProbs.map(([w, l]) => Number(w! > l!))),
    chosen: changed(0),
    rejected: changed(1),
    margin: mean(margins),
  };
}
