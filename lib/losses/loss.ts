import type { Value } from "../onnx/graph/graph.ts";
import type { Mark } from "../plot/style.ts";
import type { LossRow } from "./batch_inputs.ts";
import type { Batches } from "./batches.ts";
import type {
  LossOptions,
  LossOptionTerms,
  LossOptionValues,
} from "./options.ts";

/** The loss of each of n examples and its parts, each `[n]`. */
export interface LossTerms {
  /** The loss. */
  readonly loss: Value;
  /** Parts of the loss worth logging, averaged over the examples. */
  readonly metrics?: Readonly<Record<string, Value>>;
}

/** log π_θ(y|x) and log π_ref(y|x) of a completion, in nats, and its length. */
export interface CompletionLogProbs {
  /** log π_θ(y|x). */
  readonly logProb: number;
  /** log π_ref(y|x). */
  readonly refLogProb: number;
  /** Scored tokens. */
  readonly length: number;
}

/** Numbers that a loss keeps from step to step; checkpoints hold them. */
export type LossState = Readonly<Record<string, number>>;

/** The statistics of one optimizer batch. */
export interface BatchStatistics {
  /** Values by the names under which the loss reads them. */
  readonly values: Readonly<Record<string, number | readonly number[]>>;
  /** Numbers worth logging. */
  readonly metrics: Readonly<Record<string, number>>;
  /** The state after this batch. @default the state before it */
  readonly state?: LossState;
  /** Each example's rank, where the loss goes by rank and not by example. */
  readonly ranks?: readonly number[];
}

/**
 * Numbers that couple the examples of an optimizer batch. They are computed
 * before the gradient, from log-probabilities under the policy and its
 * reference, and the loss reads them as constants.
 */
export interface Statistics<O extends LossOptions> {
  /** The estimate and how it is made, in plain text. */
  readonly formula: string;
  /** The values by name: a number of the batch, or a list with one an example. */
  readonly outputs: Readonly<Record<string, "number" | "list">>;
  /** The state before the first step. @default no numbers */
  readonly initialState?: LossState;
  /** Rows whose log-probabilities are needed. @default those of the batch */
  rows?(
    examples: readonly LossRow[],
    options: LossOptionValues<O>,
  ): readonly LossRow[];
  /** The statistics of an evaluation. @default what `reduce` makes of its batch */
  forEvaluation?(state: LossState): BatchStatistics;
  /** Computes them from the completions of each of those rows. */
  reduce(
    rows: readonly (readonly CompletionLogProbs[])[],
    options: LossOptionValues<O>,
    state: LossState,
  ): BatchStatistics;
}

/** Trainers whose objectives presets reproduce. */
export const PEERS = ["trl", "llama-factory", "paper-repo"] as const;
/** One of {@linkcode PEERS}. */
export type Peer = typeof PEERS[number];

/** Another trainer's names for a loss, and options that make ours the same. */
export interface Preset<O extends LossOptions> {
  /** Its names for the loss. */
  readonly names: readonly string[];
  /** Those that are not our defaults. */
  readonly options: Partial<LossOptionValues<O>>;
  /** Whether it has no sums of this loss and others. @default false */
  readonly alone?: boolean;
  /** A difference that no option removes. */
  readonly note?: string;
}

/** λ_D and λ_U. */
export interface LabelWeights {
  /** λ_D. */
  readonly desirable: number;
  /** λ_U. */
  readonly undesirable: number;
}

/** Everything that a loss declares, apart from its kind of data. */
export interface Definition<O extends LossOptions> {
  /** Name in commands and records. */
  readonly id: string;
  /** Name in words. */
  readonly title: string;
  /** Its look in figures. @default gray */
  readonly mark?: Mark;
  /** The quantity that is minimised for each example, in plain text. */
  readonly formula: string;
  /** The steps of its derivation; formulas stand in backquotes. */
  readonly derivation?: readonly string[];
  /** Paper, equation, address. */
  readonly source: string;
  /** Options by name. */
  readonly options: O;
  /** Options that reproduce other trainers. @default none */
  readonly presets?: Readonly<Partial<Record<Peer, Preset<O>>>>;
  /** Statistics of the optimizer batch. @default none */
  readonly statistics?: Statistics<O>;
  /** Fewest examples of an optimizer batch. @default 1 */
  readonly minimumBatch?: number;
  /** The factor that makes log π/π_ref a reward. @default 1 */
  rewardScale?(options: LossOptionValues<O>): number;
  /** The factors of desirable and undesirable examples' losses. @default 1 */
  labelWeights?(options: LossOptionValues<O>): LabelWeights;
}

/** A loss of one kind of data, with a formula of its own. */
export interface LossOf<
  K extends keyof Batches,
  O extends LossOptions = LossOptions,
> extends Definition<O> {
  /** The kind of data. */
  readonly data: K;
  /** Builds the loss of each example in the graph of the batch. */
  terms(batch: Batches[K], options: LossOptionTerms<O>): LossTerms;
}

/** A loss of any kind that is no sum of others. */
export type PlainLoss = { [K in keyof Batches]: LossOf<K> }[keyof Batches];

/** A term of a sum of losses. */
export interface WeightedLoss {
  /** The loss. */
  readonly loss: PlainLoss;
  /** Its factor. */
  readonly weight: number;
}

/** A weighted sum of losses; see `combine()`. */
export interface Combination extends Definition<LossOptions> {
  /** The kind of data of the sum. */
  readonly data: PlainLoss["data"];
  /** The terms. */
  readonly parts: readonly WeightedLoss[];
}

/** A loss: one formula, or a weighted sum. */
export type Loss = PlainLoss | Combination;

/** A loss as it is declared, before its kind is added. */
export type Declared<K extends keyof Batches, O extends LossOptions> = Omit<
  LossOf<K, O>,
  "data"
>;

/** Declares a loss of single completions: the chosen ones of pairs. */
export const completionLoss = <const O extends LossOptions>(
  loss: Declared<"completions", O>,
): LossOf<"completions", O> => ({ ...loss, data: "completions" });

/**
 * Declares a loss of pairs of completions of one prompt.
 *
 * @example −log σ(β log π(y_w|x) − β log π(y_l|x)) and its gradient at π(y_w|x) = π(y_l|x)
 * ```ts
 * import { mul, softplus, sub } from "@prefgrad/prefgrad/graph";
 * import { beta, pairLoss, runLoss } from "@prefgrad/prefgrad/losses";
 * import { deepStrictEqual } from "node:assert/strict";
 *
 * const logistic = pairLoss({
 *   id: "logistic",
 *   title: "Logistic loss of log-probabilities",
 *   formula: "−log σ(β log π(y_w|x) − β log π(y_l|x))",
 *   source: "Your paper, eq. 1, https://example.org",
 *   options: { beta },
 *   rewardScale: ({ beta }) => beta,
 *   terms: ({ chosen, rejected }, { beta }) => ({
 *     loss: softplus(mul(beta, sub(rejected.logProb, chosen.logProb))),
 *   }),
 * });
 *
 * const even = { completions: [{ logProb: -7 }, { logProb: -7 }] };
 * const { losses, gradients } = await runLoss(logistic, [even]);
 * deepStrictEqual(losses, [Math.fround(Math.LN2)]);
 * deepStrictEqual(gradients, [[-0.05, 0.05].map(Math.fround)]);
 * ```
 */
export const pairLoss = <const O extends LossOptions>(
  loss: Declared<"pairs", O>,
): LossOf<"pairs", O> => ({ ...loss, data: "pairs" });

/** Declares a loss of completions labelled desirable or undesirable. */
export const labelLoss = <const O extends LossOptions>(
  loss: Declared<"labels", O>,
): LossOf<"labels", O> => ({ ...loss, data: "labels" });

/** Declares a loss of lists of completions of one prompt, best first. */
export const rankLoss = <const O extends LossOptions>(
  loss: Declared<"ranks", O>,
): LossOf<"ranks", O> => ({ ...loss, data: "ranks" });
