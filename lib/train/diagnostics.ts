import { type Example, lossLengths } from "../data/example.ts";
import { byPreference, groupMeans, mean, withoutNaN } from "./metrics.ts";
import { tensorsOf } from "./trained_parameters.ts";
import type { Reference } from "./reference.ts";
import { correlation } from "../stats/describe.ts";
import type { TrainingPlan } from "./loop.ts";
import type { Trainer } from "./trainer.ts";

/** How far a policy has moved on a probe, as a record's summary says it. */
export type Diagnostics = {
  /** Where the probe's examples are from. */
  readonly on: "evaluation" | "training";
  readonly examples: number;
  /** Mean of log π − log π_start, nats a completion; `null` of nothing. */
  readonly chosenChange: number | null;
  readonly rejectedChange: number | null;
  /** The first less the second. */
  readonly marginChange: number | null;
  /** Estimate of KL(π_start‖π), see {@linkcode changeMetrics}. */
  readonly klStart: number;
  /**
   * Likelihood displacement: the margin has grown, yet the chosen completions
   * have become less likely. https://arxiv.org/abs/2410.08847
   */
  readonly displaced: boolean;
  /** Mean scored tokens of a completion. */
  readonly lengths: {
    readonly chosen: number | null;
    readonly rejected: number | null;
  };
  /**
   * Correlation over pairs of a margin's change with by how many tokens the
   * chosen completion is the longer; `null` where it is not defined.
   */
  readonly lengthCorrelation: number | null;
};

/** Most examples of a probe, by where they are from. */
const MOST = { evaluation: 256, training: 16 } as const;

/**
 * A few examples, the same ones all along, of which it is told how their
 * completions' log-probabilities change from the start of a run: also for
 * losses without a reference, or that look at the chosen completions alone.
 */
export class Probe {
  /** What was found at the step it was last looked for. */
  #last: { step: number; changes: readonly (readonly number[])[] } | undefined;

  private constructor(
    private readonly trainer: Trainer,
    private readonly on: Diagnostics["on"],
    private readonly examples: readonly Example[],
    private readonly start: readonly (readonly number[])[],
  ) {}

  /**
   * Examples of a plan under the policy's initial parameters, whatever step
   * the trainer is at: the first of the evaluation's, or, of a run that has
   * none, of those it trains on.
   *
   * @param reference the initial one, if there is one: it knows them already.
   */
  static async create(
    trainer: Trainer,
    plan: TrainingPlan,
    reference: Reference | null,
  ): Promise<Probe> {
    const { examples, batches, evalExamples } = plan;
    const on = evalExamples.length > 0 ? "evaluation" : "training";
    const candidates = on === "evaluation"
      ? evalExamples
      : [...new Set(batches.flat())].map((i) => examples[i]!);
    const chosen = candidates.slice(0, MOST[on]);
    const { trained, initial } = trainer.options.policy;
    const parameters = tensorsOf(trained, initial);
    const start = reference
      ? chosen.map((example) => reference.logProbs(example))
      : await trainer.scorer.score(chosen, { parameters });
    return new Probe(trainer, on, chosen, start);
  }

  /** The metrics of {@linkcode changeMetrics} at the trainer's present step. */
  async metrics(): Promise<Record<string, number>> {
    return changeMetrics(this.examples, await this.#changes());
  }

  /** The same at more length. */
  async diagnostics(): Promise<Diagnostics> {
    const { on, examples } = this;
    return { on, ...diagnose(examples, await this.#changes()) };
  }

  /** log π − log π_start of each example's completions, in nats. */
  async #changes(): Promise<readonly (readonly number[])[]> {
    const { step } = this.trainer;
    if (this.#last?.step !== step) {
      const now = await this.trainer.score(this.examples);
      const changes = now.map((list, i) =>
        list.map((logProb, k) => logProb - this.start[i]![k]!)
      );
      this.#last = { step, changes };
    }
    return this.#last!.changes;
  }
}

/**
 * Means of changes of log-probabilities since the start, nats a completion, by
 * weight where examples have weights.
 *
 * - `change/chosen`, `change/rejected`, and `change/margin`, their difference;
 * - `change/accuracies`: share of pairs of which the margin has grown;
 * - `kl/start`: KL(π_start‖π) ≈ mean of log π_start − log π over all
 *   completions as if they were drawn from π_start (the estimator k1 of
 *   http://joschu.net/blog/kl-approx.html). Those of data are not, so it may
 *   be below 0; it is comparable between runs on the same probe.
 *
 * What has no example is left out.
 *
 * @param changes log π − log π_start of each example's completions.
 */
export function changeMetrics(
  examples: readonly Pick<Example, "label" | "weight">[],
  changes: readonly (readonly number[])[],
): Record<string, number> {
  const { chosen, rejected, weights } = byPreference(examples, changes);
  return {
    ...groupMeans("change", examples, changes),
    ...withoutNaN({
      "change/margin": mean(chosen, weights.chosen) -
        mean(rejected, weights.rejected),
      "change/accuracies": mean(
        marginsOf(examples, changes).map((margin) => Number(margin > 0)),
        weights.chosen,
      ),
      "kl/start": mean(changes.flat().map((change) => -change)),
    }),
  };
}

/**
 * What changes of log-probabilities since the start say of a run.
 *
 * @param changes log π − log π_start of each example's completions.
 */
export function diagnose(
  examples: readonly Example[],
  changes: readonly (readonly number[])[],
): Omit<Diagnostics, "on"> {
  const {
    "change/chosen": chosenChange = null,
    "change/rejected": rejectedChange = null,
    "change/margin": marginChange = null,
    "kl/start": klStart = 0,
  } = changeMetrics(examples, changes);
  const lengths = examples.map(lossLengths);
  const {
    "lengths/chosen": chosen = null,
    "lengths/rejected": rejected = null,
  } = groupMeans("lengths", examples, lengths);
  return {
    examples: examples.length,
    chosenChange,
    rejectedChange,
    marginChange,
    klStart,
    displaced: (marginChange ?? 0) > 0 && (chosenChange ?? 0) < 0,
    lengths: { chosen, rejected },
    lengthCorrelation: correlation(
      marginsOf(examples, changes),
      marginsOf(examples, lengths),
    ),
  };
}

/** Of each pair what its chosen completion has more; nothing of single ones. */
function marginsOf(
  examples: readonly Pick<Example, "label">[],
  values: readonly (readonly number[])[],
): number[] {
  const { chosen, rejected, paired } = byPreference(examples, values);
  return paired ? chosen.map((value, i) => value - rejected[i]!) : [];
}
