import {
  type ChoiceFlag,
  expectation,
  isAllowed,
  type NumberFlag,
  type ToggleFlag,
  type ValueOf,
} from "../cli/flag.ts";
import type { Value } from "../onnx/graph.ts";

/** Names that other trainers have for an option. */
export interface Known {
  /** Those names. @default none */
  readonly aka?: readonly string[];
}

/** A number of the loss's formula. It is an input of the compiled graph. */
export interface NumberOption extends NumberFlag, Known {
  /** A finite number. */
  readonly kind: "number";
  /** As the paper writes it. */
  readonly symbol: string;
  /** Value unless it is given. */
  readonly default: number;
}

/** A variant of the formula. It is compiled into the graph. */
export interface ChoiceOption extends ChoiceFlag, Known {
  /** Value unless it is given. */
  readonly default: string;
}

/** A variant of the formula that is off unless asked for. */
export interface ToggleOption extends ToggleFlag, Known {}

/** An option of a loss. */
export type LossOption = NumberOption | ChoiceOption | ToggleOption;
/** The options that a loss declares, by name. */
export type LossOptions = Readonly<Record<string, LossOption>>;

/** An option's value outside of graphs. */
export type LossOptionValue<O extends LossOption = LossOption> = ValueOf<O>;
/** Values of a loss's options, by name. */
export type LossOptionValues<O extends LossOptions = LossOptions> = {
  readonly [K in keyof O]: LossOptionValue<O[K]>;
};

/** An option's value inside of one: numbers become scalar values. */
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
  /** What it declares. */
  readonly options: LossOptions;
}

/**
 * Settings of a loss: what is given, and the defaults of the rest.
 *
 * @throws RangeError for an option the loss does not have or that is out of
 * bounds; the message says which are expected.
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

/** What an option is if nothing is said. */
export function defaultOf(option: LossOption): LossOptionValue {
  return option.kind === "toggle" ? false : option.default;
}

/** Options that many losses share; each loss may say them in its own words. */

/** β of a reward β log π/π_ref, as DPO has it. */
export const beta = {
  kind: "number",
  symbol: "β",
  default: 0.1,
  above: 0,
  help: "strength of the KL constraint: larger stays nearer to π_ref",
} as const;

/** Share of labels that are taken as flipped. */
export const labelSmoothing = {
  kind: "number",
  symbol: "ε",
  default: 0,
  min: 0,
  below: 0.5,
  help: "assumed share of flipped labels",
} as const;

/** λ_D and λ_U of losses of labelled completions, as KTO has them. */
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
