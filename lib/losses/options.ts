import {
  type ChoiceFlag,
  expectation,
  isAllowed,
  type NumberFlag,
  type ToggleFlag,
  type ValueOf,
} from "../cli/flag.ts";
import type { Value } from "../onnx/graph/graph.ts";

/** Names that other trainers have for an option. */
export interface Known {
  /** Those names. @default none */
  readonly aka?: readonly string[];
}

/** A number of the loss's formula. It is an input of the compiled graph. */
export interface NumberOption extends NumberFlag, Known {
  /** A finite number. */
  readonly kind: "number";
  /** Symbol in the paper. */
  readonly symbol: string;
  /** Value if none is given. */
  readonly default: number;
}

/** A variant of the formula. It is compiled into the graph. */
export interface ChoiceOption extends ChoiceFlag, Known {
  /** Value if none is given. */
  readonly default: string;
}

/** A variant of the formula that is off by default. */
export interface ToggleOption extends ToggleFlag, Known {}

/** An option of a loss. */
export type LossOption = NumberOption | ChoiceOption | ToggleOption;
/** The options that a loss declares, by name. */
export type LossOptions = Readonly<Record<string, LossOption>>;

/** An option's value outside graphs. */
export type LossOptionValue<O extends LossOption = LossOption> = ValueOf<O>;
/** Values of a loss's options, by name. */
export type LossOptionValues<O extends LossOptions = LossOptions> = {
  readonly [K in keyof O]: LossOptionValue<O[K]>;
};

/** An option's value inside graphs: numbers become scalar values. */
export type LossOptionTerm<O extends LossOption> = O extends NumberOption
  ? Value
  : LossOptionValue<O>;
/** The options as the formula of a loss reads them, by name. */
export type LossOptionTerms<O extends LossOptions = LossOptions> = {
  readonly [K in keyof O]: LossOptionTerm<O[K]>;
};

/** Something with options, such as a loss. */
export interface Optioned {
  /** Name of the loss. */
  readonly id: string;
  /** Options that it declares. */
  readonly options: LossOptions;
}

/**
 * Values of all options of a loss: the given ones, and defaults for the rest.
 *
 * @throws RangeError for an option that the loss does not have or that is out of
 * bounds; the message names those that it expects.
 */
export function resolveOptions(
  { id, options }: Optioned,
  given: Readonly<Record<string, LossOptionValue | undefined>> = {},
): LossOptionValues {
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
      const value = given[name] ?? defaultOf(option);
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

/** The value of an option that is not given. */
export function defaultOf(option: LossOption): LossOptionValue {
  return option.kind === "toggle" ? false : option.default;
}

/** β of a reward β log π/π_ref, as in DPO. Each loss may describe it anew. */
export const beta = {
  kind: "number",
  symbol: "β",
  default: 0.1,
  above: 0,
  help: "strength of the KL constraint: larger stays nearer to π_ref",
} as const;

/** Assumed share of flipped labels. */
export const labelSmoothing = {
  kind: "number",
  symbol: "ε",
  default: 0,
  min: 0,
  below: 0.5,
  help: "assumed share of flipped labels",
} as const;

/** λ_D and λ_U of losses of labelled completions, as in KTO. */
export const desirableWeight = {
  kind: "number",
  symbol: "λ_D",
  default: 1,
  min: 0,
  help: "weight of desirable completions",
} as const;
export const undesirableWeight = {
  kind: "number",
  symbol: "λ_U",
  default: 1,
  min: 0,
  help: "weight of undesirable completions",
} as const;
