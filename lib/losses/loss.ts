import type { Value } from "../onnx/graph.ts";

/** A number of the loss's formula. It is an input of the compiled graph. */
export interface NumberOption {
  readonly kind: "number";
  /** As the paper writes it. */
  readonly symbol: string;
  readonly default: number;
  /** Bounds; `above` and `below` themselves are excluded. */
  readonly above?: number;
  readonly min?: number;
  readonly below?: number;
  readonly max?: number;
  readonly help: string;
}

/** A variant of the formula. It is compiled into the graph. */
export interface ChoiceOption {
  readonly kind: "choice";
  readonly choices: readonly string[];
  readonly default: string;
  readonly help: string;
}

/** A variant of the formula that is off unless asked for. */
export interface ToggleOption {
  readonly kind: "toggle";
  readonly help: string;
}

export type Option = NumberOption | ChoiceOption | ToggleOption;
export type Options = Readonly<Record<string, Option>>;

/** An option's value outside of graphs. */
export type Setting<O extends Option = Option> = O extends NumberOption ? number
  : O extends { choices: readonly (infer C)[] } ? C
  : boolean;
export type Settings<O extends Options = Options> = {
  readonly [K in keyof O]: Setting<O[K]>;
};

/** An option's value inside of one: numbers become scalar values. */
type Term<O extends Option> = O extends NumberOption ? Value : Setting<O>;
export type Terms<O extends Options = Options> = {
  readonly [K in keyof O]: Term<O[K]>;
};

/** Log-probabilities of n completions, each `[n]`, in nats. */
export interface Sequences {
  /** log π_θ(y|x), summed over the completion's tokens. */
  readonly logProb: Value;
  /** log π_ref(y|x), likewise. */
  readonly refLogProb: Value;
  /** Tokens of the completion. */
  readonly length: Value;
}

/** Log-probabilities of n prompts, without the first token, each `[n]`. */
export interface Prompts {
  readonly logProb: Value;
  readonly length: Value;
}

/** Counts over the whole optimizer batch, scalars. */
export interface Totals {
  readonly examples: Value;
  /** Tokens of the first completions: the chosen ones of pairs. */
  readonly completionTokens: Value;
  /** Scored tokens of the prompts. */
  readonly promptTokens: Value;
}

export interface CompletionBatch {
  readonly completion: Sequences;
  readonly prompt: Prompts;
  readonly totals: Totals;
}

export interface PairBatch {
  readonly chosen: Sequences;
  readonly rejected: Sequences;
  readonly prompt: Prompts;
  readonly totals: Totals;
}

export interface LabelBatch {
  readonly completion: Sequences;
  /** 1 where the completion is desirable, else 0, `[n]`. */
  readonly desirable: Value;
  /** What {@linkcode Statistics} computed over the optimizer batch. */
  readonly statistics: Readonly<Record<string, Value>>;
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
}

/**
 * A number that couples the examples of an optimizer batch: computed from the
 * log-probabilities of certain rows before the gradient, and given to the loss
 * as a constant.
 */
export interface Statistics<O extends Options> {
  /** What is estimated and how, in plain text. */
  readonly formula: string;
  /** Rows of one completion each. */
  rows(examples: readonly Row[], settings: Settings<O>): Row[];
  /** From log π_θ − log π_ref of those rows, in nats. */
  reduce(logRatios: readonly number[]): {
    /** Values by the names under which the loss reads them. */
    readonly inputs: Readonly<Record<string, number>>;
    readonly metrics: Readonly<Record<string, number>>;
  };
  readonly names: readonly string[];
}

interface Definition<O extends Options> {
  /** Name in commands and records. */
  readonly id: string;
  readonly title: string;
  /** What is minimised for each example, in plain text. */
  readonly formula: string;
  /** Paper, equation, address. */
  readonly source: string;
  readonly options: O;
  /** Whether log π_ref is read. */
  usesReference(settings: Settings<O>): boolean;
  /** Whether prompts' log-probabilities are read. @default never */
  scoresPrompts?(settings: Settings<O>): boolean;
  /** Fewest examples of an optimizer batch. @default 1 */
  readonly minimumBatch?: number;
}

/** A loss of single completions: the chosen ones of pairs. */
export interface CompletionLoss<O extends Options = Options>
  extends Definition<O> {
  readonly data: "completions";
  terms(batch: CompletionBatch, options: Terms<O>): LossTerms;
}

/** A loss of pairs of completions of one prompt. */
export interface PairLoss<O extends Options = Options> extends Definition<O> {
  readonly data: "pairs";
  terms(batch: PairBatch, options: Terms<O>): LossTerms;
}

/** A loss of completions labelled desirable or undesirable. */
export interface LabelLoss<O extends Options = Options> extends Definition<O> {
  readonly data: "labels";
  readonly statistics: Statistics<O>;
  terms(batch: LabelBatch, options: Terms<O>): LossTerms;
}

export type Loss = CompletionLoss | PairLoss | LabelLoss;

/** Fixes the type of a declaration's options. */
export const completionLoss = <const O extends Options>(
  loss: CompletionLoss<O>,
): CompletionLoss<O> => loss;
export const pairLoss = <const O extends Options>(
  loss: PairLoss<O>,
): PairLoss<O> => loss;
export const labelLoss = <const O extends Options>(
  loss: LabelLoss<O>,
): LabelLoss<O> => loss;

/**
 * Settings of a loss: what is given, and the defaults of the rest.
 *
 * @throws RangeError for an option the loss does not have or that is out of
 * bounds; the message says which are expected.
 */
export function resolveSettings(
  { id, options }: Pick<Loss, "id" | "options">,
  given: Readonly<Record<string, Setting | undefined>> = {},
): Settings {
  for (const name of Object.keys(given)) {
    if (given[name] !== undefined && !Object.hasOwn(options, name)) {
      const known = Object.keys(options).join(", ") || "none";
      throw new RangeError(
        `Loss "${id}" has no option "${name}"; its options: ${known}`,
      );
    }
  }
  return Object.fromEntries(
    Object.entries(options).map(([name, option]) => {
      const fallback = option.kind === "toggle" ? false : option.default;
      const value = given[name] ?? fallback;
      if (!isAllowed(option, value)) {
        throw new RangeError(
          `Option "${name}" of loss "${id}" is ${value}, expected ${
            expectation(option)
          }`,
        );
      }
      return [name, value];
    }),
  );
}

function isAllowed(option: Option, value: Setting): boolean {
  if (option.kind === "toggle") return typeof value === "boolean";
  if (option.kind === "choice") return option.choices.includes(String(value));
  const { above = -Infinity, min = -Infinity } = option;
  const { below = Infinity, max = Infinity } = option;
  return typeof value === "number" && Number.isFinite(value) &&
    value > above && value >= min && value < below && value <= max;
}

function expectation(option: Option): string {
  if (option.kind === "toggle") return "true or false";
  if (option.kind === "choice") return `one of ${option.choices.join(", ")}`;
  const bounds = [
    ["above", option.above],
    ["at least", option.min],
    ["below", option.below],
    ["at most", option.max],
  ].flatMap(([words, bound]) => bound === undefined ? [] : `${words} ${bound}`);
  return `a number ${bounds.join(" and ")}`;
}
