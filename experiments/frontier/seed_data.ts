import { examplesFor } from "lib/data/examples_for_loss.ts";
import type { Example } from "lib/data/example.ts";
import { planBatches } from "lib/data/sampler.ts";
import type { TokenRow } from "lib/data/tree_batch.ts";
import type { Loss } from "lib/losses/loss.ts";
import { type LossOptionValues, resolveOptions } from "lib/losses/options.ts";
import { findLoss } from "lib/losses/registry.ts";
import type { Tensors } from "lib/onnx/session.ts";
import { distinctRows } from "lib/train/reference.ts";
import { Rng } from "lib/rng.ts";
import { rowsToReference, type TrainingPlan } from "lib/train/loop.ts";
import type { Evaluation, Evaluator, HeldOut } from "./evaluation.ts";
import { labelPair } from "./preferences.ts";
import type { FrontierSettings } from "./settings.ts";
import { goldReward, type Review } from "./world.ts";

/** What all runs of a seed share. */
export interface SeedData {
  readonly seed: number;
  readonly pairs: readonly Example[];
  readonly heldOut: HeldOut;
  /** Rows whose log π_ref some loss reads, and these, in nats. */
  readonly reference: {
    readonly rows: readonly TokenRow[];
    readonly logProbs: readonly (readonly number[])[];
  };
  /** π_ref itself, where every run starts. */
  readonly start: Evaluation;
}

/** Draws a seed's pairs from π_ref, labels them, and scores them under it. */
export async function prepareSeed(
  seed: number,
  { settings, evaluator, parameters }: {
    settings: FrontierSettings;
    evaluator: Evaluator;
    /** π_ref. */
    parameters: Tensors;
  },
): Promise<SeedData> {
  const { preferences } = settings;
  const rng = new Rng(seed);
  const draw = async (label: string, perPrompt: number) => {
    const stream = rng.split(label);
    const reviews = await evaluator.sample(parameters, {
      samples: 2 * perPrompt,
      rng: stream.split("samples"),
    });
    return pairsOf(reviews).map((pair) =>
      labelPair(pair, stream, preferences.noise)
    );
  };
  const pairs = await draw("pairs", preferences.pairsPerPrompt);
  const unseen = await draw("held out", preferences.heldOutPerPrompt);
  const heldOut = {
    pairs: unseen,
    refLogProbs: await evaluator.score(unseen, parameters),
  };
  const rows = referenceRows(settings, { seed, pairs });
  return {
    seed,
    pairs,
    heldOut,
    reference: { rows, logProbs: await evaluator.score(rows, parameters) },
    start: await evaluator.evaluate(parameters, {
      rng: evaluationStream(seed, 0),
      heldOut,
    }),
  };
}

/** Random numbers of a policy's samples: the same for all methods. */
export function evaluationStream(seed: number, step: number): Rng {
  return new Rng(seed).split(`evaluation/${step}`);
}

export interface PlanOptions {
  loss: Loss;
  options: LossOptionValues;
  learningRate: number;
}

/** The steps of a run. Each method sees the same pairs as often. */
export function planRun(
  { training }: FrontierSettings,
  { seed, pairs }: Pick<SeedData, "seed" | "pairs">,
  { loss, options, learningRate }: PlanOptions,
): TrainingPlan {
  const { steps, batch, schedule, warmup, maxGradNorm } = training;
  const examples = examplesFor({ kind: "pairs", examples: pairs }, loss.data);
  const rng = new Rng(seed).split("order");
  return {
    examples,
    batches: planBatches(examples.length, {
      size: batch * examples.length / pairs.length,
      order: "shuffled",
      epochs: 1,
      steps,
      shuffle: (epoch, order) => rng.split(`${epoch}`).shuffle(order),
    }),
    evalExamples: [],
    evalEvery: 0,
    evalBatch: 1,
    settings: options,
    learningRate,
    schedule,
    warmup,
    weightDecay: 0,
    maxGradNorm,
  };
}

/** Share of pairs that the gold reward itself tells apart as the labels do. */
export function goldAccuracy({ pairs }: HeldOut): number {
  const right = pairs.filter(({ completions: [chosen, rejected] }) =>
    goldReward(chosen!) > goldReward(rejected!)
  );
  return right.length / pairs.length;
}

/** What any method reads of π_ref: none depends on β, λ or the rate. */
function referenceRows(
  settings: FrontierSettings,
  data: Pick<SeedData, "seed" | "pairs">,
): TokenRow[] {
  return distinctRows(settings.methods.flatMap(({ loss: id }) => {
    const loss = findLoss(id);
    const options = resolveOptions(loss);
    const plan = planRun(settings, data, { loss, options, learningRate: 0 });
    return rowsToReference(plan, loss);
  }));
}

/** Neighbours answer the same prompt. */
function pairsOf(reviews: readonly Review[]) {
  return Array.from({ length: reviews.length / 2 }, (_, i) => {
    const [first, second] = [reviews[2 * i]!, reviews[2 * i + 1]!];
    return {
      prompt: first.prompt,
      completions: [first.completion, second.completion],
    } as const;
  });
}
