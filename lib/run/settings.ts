import type { Order } from "../data/sampler.ts";
import type { Truncation } from "../data/tokenize/truncate.ts";
import type { Peer } from "../losses/loss.ts";
import type { BaseWeights } from "../models/base_weights.ts";
import type { LossOptionValues } from "../losses/options.ts";
import type { ConversionSettings } from "../data/convert/convert.ts";
import type { TokenizeOptions } from "../data/tokenize/tokenize.ts";
import type { Json } from "../record/canonical_json.ts";
import type { Schedule } from "../optim.ts";

/** Settings of one training run, as the record keeps them. */
export type TrainSettings = {
  readonly model: string;
  readonly data: string;
  readonly evalData: string | null;
  /** What `chooseLoss()` makes a loss of. */
  readonly loss: string;
  /** Trainer whose objective is reproduced; `null` for the paper's. */
  readonly preset: Peer | null;
  /** Options of the loss; those that are absent have its defaults. */
  readonly options: LossOptionValues;
  readonly tuning: TuningSettings;
  readonly epochs: number;
  /** Overrides `epochs`. */
  readonly steps: number | null;
  readonly batch: number;
  readonly microTokens: number;
  readonly learningRate: number;
  readonly schedule: Schedule;
  readonly warmup: number;
  readonly weightDecay: number;
  readonly maxGradNorm: number;
  readonly optimizer: "adamw";
  readonly seed: number;
  /** Steps after which the reference moves, 0 for never (TR-DPO). */
  readonly referenceEvery: number;
  /** Share of the policy in the new reference. */
  readonly referenceMix: number;
  readonly order: Order;
  /** `null` for what is usual, or the model's if that is less. */
  readonly maxLength: number | null;
  /** `null` for no limit but `maxLength`. */
  readonly maxPromptLength: number | null;
  readonly truncate: Truncation;
  /** How else rows become tokens. */
  readonly tokenizing: TokenizingSettings;
  /** Stated layout of the rows; `null` where they tell it. */
  readonly format: string | null;
  readonly skipBadRows: boolean;
  /** What is made of the rows before they are tokenized. */
  readonly conversions: Readonly<ConversionSettings>;
  readonly device: string;
  readonly precision: "float32";
  /** How weights that are not trained are held. */
  readonly baseWeights: BaseWeights;
  readonly threads: number;
  readonly evalEvery: number;
  readonly saveEvery: number;
};

export type TuningSettings =
  | { readonly kind: "full" }
  | {
    readonly kind: "lora";
    readonly rank: number;
    readonly alpha: number;
    readonly targets: "all-linear" | readonly string[];
  }
  | { readonly kind: "adapter"; readonly adapter: string };

/** How rows become tokens, as a record keeps it. */
export type TokenizingSettings = {
  readonly promptTruncation: NonNullable<TokenizeOptions["promptTruncation"]>;
  readonly boundary: NonNullable<TokenizeOptions["boundary"]>;
  readonly score: NonNullable<TokenizeOptions["score"]>;
  /** `null` for what is usual of messages and of texts. */
  readonly specials: NonNullable<TokenizeOptions["specials"]> | null;
  readonly templateOptions: Readonly<Record<string, Json>>;
};

/** The same as options of `tokenizeRows()`. */
export function tokenizeOptions(
  { specials, ...settings }: TokenizingSettings,
): Omit<TokenizeOptions, "tokenizer" | "vocabularySize"> {
  return { ...settings, ...specials && { specials } };
}
