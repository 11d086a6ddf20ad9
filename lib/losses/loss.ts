import type { Value } from "../onnx/graph.ts";
import type {
  LossOptions,
  LossOptionTerms,
  LossOptionValues,
} from "./options.ts";

/**
 * Log-probabilities of completions, in nats: each `[n]`, one for each of n
 * examples; of ranked lists `[n, K]`.
 */
export interface Sequences {
  /** log π_θ(y|x), summed over the completion's tokens. */
  readonly logProb: Value;
  /** log π_ref(y|x), likewise. */
  readonly refLogProb: Value;
  /** Scored tokens of the completion. */
  readonly length: Value;
  /** Sums something of every token, `[S]`, over each completion's own. */
  sum(perToken: Value): Value;
}

/** Log-probabilities of n prompts, without the first token, each `[n]`. */
export interface Prompts {
  readonly logProb: Value;
  readonly length: Value;
}

/** Every scored token of the examples, one after another, each `[S]`. */
export interface Tokens {
  /** log π_θ(y_t|x, y_<t), in nats. */
  readonly logProb: Value;
  /** log π_ref(y_t|x, y_<t), in nats. */
  readonly refLogProb: Value;
  /** Its place among those of its completion: 0, 1, 2, … */
  readonly position: Value;
  /** log Σ_v π_θ(v|x, y_<t)² over the vocabulary, without a gradient. */
  readonly collision: Value;
  /** Something of each example, `[n]`, at each of its tokens. */
  spread(perExample: Value): Value;
}

/** Counts over the whole optimizer batch, by weight, scalars. */
export interface Totals {
  readonly examples: Value;
  /** Scored tokens of the completions to imitate: chosen or desirable ones. */
  readonly completionTokens: Value;
  /** Scored tokens of the prompts. */
  readonly promptTokens: Value;
}

/** What a loss reads of n examples; what it does not look at costs nothing. */
interface Batch {
  readonly prompt: Prompts;
  readonly tokens: Tokens;
  readonly totals: Totals;
  /** What {@linkcode Statistics} gave: scalars, or `[n]`. */
  readonly statistics: Readonly<Record<string, Value>>;
}

export interface CompletionBatch extends Batch {
  readonly completion: Sequences;
}

export interface PairBatch extends Batch {
  readonly chosen: Sequences;
  readonly rejected: Sequences;
}

export interface LabelBatch extends Batch {
  readonly completion: Sequences;
  /** 1 where the completion is desirable, else 0, `[n]`. */
  readonly desirable: Value;
}

export interface RankBatch extends Batch {
  /** From best to worst, `[n, K]`; shorter lists are filled up. */
  readonly ranked: Sequences;
  /** 1 where there is a completion, 0 where the list was filled up, `[n, K]`. */
  readonly live: Value;
  /** 0, 1, … K − 1, `[K]`. */
  readonly rank: Value;
}

/** What a loss gives for each of n examples, each `[n]`. */
export interface LossTerms {
  readonly loss: Value;
  /** Parts of the loss worth logging, averaged over the examples. */
  readonly metrics?: Readonly<Record<string, Value>>;
}

interface Row {
  readonly prompt: readonly number[];
  readonly completions: readonly (readonly number[])[];
  readonly lossMask?: readonly (readonly boolean[])[];
}

/** log π_θ(y|x) and log π_ref(y|x) of a completion, in nats. */
export interface ScoredCompletion {
  readonly logProb: number;
  readonly refLogProb: number;
}

/** Numbers that a loss carries from step to step; checkpoints hold them. */
export type Carried = Readonly<Record<string, number>>;

export interface Reduced {
  /** Values by the names under which the loss reads them. */
  readonly inputs: Readonly<Record<string, number | readonly number[]>>;
  readonly metrics: Readonly<Record<string, number>>;
  /** What is carried to the next step. @default what was carried here */
  readonly carried?: Carried;
  /** Each example's rank, where the loss goes by rank and not by example. */
  readonly ranks?: readonly number[];
}

/**
 * What couples the examples of an optimizer batch: computed before the
 * gradient from log-probabilities under the policy and its reference, and
 * given to the loss as constants.
 */
export interface Statistics<O extends LossOptions> {
  /** What is estimated and how, in plain text. */
  readonly formula: string;
  /** What is given: a number of the batch, or a list with one an example. */
  readonly gives: Readonly<Record<string, "number" | "list">>;
  /** What is carried, at the start of training. @default nothing */
  readonly carries?: Carried;
  /** The rows that are scored. @default those of the batch */
  rows?(
    examples: readonly Row[],
    settings: LossOptionValues<O>,
  ): readonly Row[];
  /** What an evaluation goes by. @default what `reduce` makes of its batch */
  ofEvaluation?(carried: Carried): Reduced;
  /** From the completions of each of those rows. */
  reduce(
    rows: readonly (readonly ScoredCompletion[])[],
    settings: LossOptionValues<O>,
    carried: Carried,
  ): Reduced;
}

/** Trainers whose objectives presets reproduce. */
export const PEERS = ["trl", "llama-factory", "paper-repo"] as const;
export type Peer = typeof PEERS[number];

/** How another trainer names a loss, and settings that make it ours. */
export interface Preset<O extends LossOptions> {
  /** Its names for the loss. */
  readonly names: readonly string[];
  /** Where they are not our defaults. */
  readonly settings: Partial<LossOptionValues<O>>;
  /** What is different there and cannot be set. */
  readonly note?: string;
}

interface Definition<O extends LossOptions> {
  /** Name in commands and records. */
  readonly id: string;
  readonly title: string;
  /** What is minimised for each example, in plain text. */
  readonly formula: string;
  /** How it comes about, a step each; formulas stand in backquotes. */
  readonly derivation?: readonly string[];
  /** Paper, equation, address. */
  readonly source: string;
  readonly options: O;
  readonly presets?: Readonly<Partial<Record<Peer, Preset<O>>>>;
  readonly statistics?: Statistics<O>;
  /** Fewest examples of an optimizer batch. @default 1 */
  readonly minimumBatch?: number;
}

/** A loss of single completions: the chosen ones of pairs. */
export interface CompletionLoss<O extends LossOptions = LossOptions>
  extends Definition<O> {
  readonly data: "completions";
  terms(batch: CompletionBatch, options: LossOptionTerms<O>): LossTerms;
}

/** A loss of pairs of completions of one prompt. */
export interface PairLoss<O extends LossOptions = LossOptions>
  extends Definition<O> {
  readonly data: "pairs";
  terms(batch: PairBatch, options: LossOptionTerms<O>): LossTerms;
}

/** A loss of completions labelled desirable or undesirable. */
export interface LabelLoss<O extends LossOptions = LossOptions>
  extends Definition<O> {
  readonly data: "labels";
  terms(batch: LabelBatch, options: LossOptionTerms<O>): LossTerms;
}

/** A loss of lists of completions of one prompt, ranked from best to worst. */
export interface RankLoss<O extends LossOptions = LossOptions>
  extends Definition<O> {
  readonly data: "ranks";
  terms(batch: RankBatch, options: LossOptionTerms<O>): LossTerms;
}

/** A loss with a formula of its own. */
export type PlainLoss = CompletionLoss | PairLoss | LabelLoss | RankLoss;

export interface WeightedLoss {
  readonly loss: PlainLoss;
  readonly weight: number;
}

/** A weighted sum of losses; see `combine()`. */
export interface Combination extends Definition<LossOptions> {
  readonly data: PlainLoss["data"];
  readonly parts: readonly WeightedLoss[];
}

export type Loss = PlainLoss | Combination;

type Undiscriminated<L> = Omit<L, "data">;

/** Declares a loss and fixes the type of its options. */
export const completionLoss = <const O extends LossOptions>(
  loss: Undiscriminated<CompletionLoss<O>>,
): CompletionLoss<O> => ({ ...loss, data: "completions" });
/**
 * Declares a loss of pairs, as `completionLoss()` and the others declare theirs.
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
  loss: Undiscriminated<PairLoss<O>>,
): PairLoss<O> => ({ ...loss, data: "pairs" });
export const labelLoss = <const O extends LossOptions>(
  loss: Undiscriminated<LabelLoss<O>>,
): LabelLoss<O> => ({ ...loss, data: "labels" });
export const rankLoss = <const O extends LossOptions>(
  loss: Undiscriminated<RankLoss<O>>,
): RankLoss<O> => ({ ...loss, data: "ranks" });
