import {
  type ChoiceFlag,
  expectation,
  type Flag,
  isAllowed,
  kebab,
  type NumberFlag,
  type ParsedFlag,
} from "lib/cli/flag.ts";
import type { OwnSettings } from "experiments/comparison/flags.ts";
import { readValue } from "lib/cli/flag_value.ts";
import type { Method } from "lib/experiment/grid.ts";
import type { ComparedLoss } from "./compared_loss.ts";
import type { Loss } from "lib/losses/loss.ts";
import type { LossOption, LossOptionValue } from "lib/losses/options.ts";

type Value = LossOptionValue;

/** Values of an option along an axis. */
type Values = readonly Value[];

/**
 * A flag for the options of some losses, each a list of values. An option that
 * several losses have is one flag for all of them.
 *
 * @param taken flags that the verb has already.
 */
export function axisFlags(
  losses: readonly Loss[],
  taken: Readonly<Record<string, Flag>>,
): Record<string, ParsedFlag<Values>> {
  const flags: Record<string, ParsedFlag<Values>> = {};
  for (const { id, options } of losses) {
    for (const [name, option] of Object.entries(options)) {
      if (name in taken) {
        throw new TypeError(
          `Cannot compare "${id}": its option "${name}" would be --${
            kebab(name)
          }, which means something else`,
        );
      }
      const known = flags[name];
      const users = losses.filter((loss) => name in loss.options)
        .map((loss) => loss.id);
      flags[name] = known ?? axisFlag(option, users);
    }
  }
  return flags;
}

function axisFlag(
  option: LossOption,
  users: readonly string[],
): ParsedFlag<Values> {
  return {
    kind: "parsed",
    help: `${option.help}; of ${users.join(", ")}`,
    group: "Axes",
    placeholder: "VALUE,...",
    expected: `values separated by commas, each ${
      expectation(asValued(option))
    }`,
    parse: (text: string) => listOf(option, text),
    is: (value): value is Values =>
      Array.isArray(value) && value.length > 0 &&
      value.every((one) => isAllowed(option, one)),
  };
}

/** A toggle has the values true and false here. */
function asValued(option: LossOption): NumberFlag | ChoiceFlag {
  if (option.kind !== "toggle") return option;
  return { kind: "choice", choices: ["true", "false"], help: option.help };
}

/** The values of a list; `undefined` where one of them is none. */
export function listOf(option: LossOption, text: string): Values | undefined {
  const values = text.split(",").map((part) => {
    const value = readValue(asValued(option), part.trim());
    return option.kind === "toggle" && value !== undefined
      ? value === "true"
      : value;
  });
  return values.every((value): value is Value => value !== undefined)
    ? values
    : undefined;
}

/** The values that a command line gives to the options of losses. */
export interface Given {
  /** Of every loss that has the option. */
  readonly axes: Readonly<Record<string, Values | undefined>>;
  /** Of one loss, in place of those. */
  readonly own: OwnSettings;
  readonly learningRate: number;
}

/**
 * The methods of a comparison: each loss at every combination of the values
 * that are given of its options.
 *
 * @throws RangeError for a setting of a loss that is not compared or lacks it.
 */
export function methodsOf(
  compared: readonly ComparedLoss[],
  given: Given,
): Method[] {
  const losses = compared.map(({ loss }) => loss);
  for (const [loss, own] of Object.entries(given.own)) {
    const owner = losses.find(({ id }) => id === loss);
    const known = ["lr", ...Object.keys(owner?.options ?? {})];
    const other = Object.keys(own).find((name) =>
      !owner || !known.includes(name)
    );
    if (other === undefined) continue;
    throw new RangeError(
      `Cannot set ${loss}.${kebab(other)}: expected ${
        owner
          ? `${known.map(kebab).join(", ")} of ${loss}`
          : `one of ${losses.map(({ id }) => id).join(", ")} before the point`
      }`,
    );
  }
  return compared.flatMap((one) => methodsOfLoss(one, given));
}

function methodsOfLoss(
  { loss: { id, options }, file }: ComparedLoss,
  { axes, own, learningRate }: Given,
): Method[] {
  const mine = new Map(
    Object.entries(own[id] ?? {}).map(([name, values]) =>
      [name, [values].flat().join(",")] as const
    ),
  );
  const lists = Object.entries(options).flatMap(([name, option]) => {
    const text = mine.get(name);
    const values = text === undefined
      ? axes[name]
      : checked(listOf(option, text), { id, name, text, option });
    return values ? [[name, values] as const] : [];
  });
  const rate = mine.get("lr");
  const combined = lists.reduce<Method["options"][]>(
    (all, [name, values]) =>
      all.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))),
    [{}],
  );
  return combined.map((options) => ({
    ...{ loss: id, options },
    learningRate: rate === undefined ? learningRate : rateOf(rate, id),
    ...file && { file },
  }));
}

function checked<T>(
  values: T | undefined,
  { id, name, text, option }: {
    id: string;
    name: string;
    text: string;
    option: LossOption;
  },
): T {
  if (values !== undefined) return values;
  throw new RangeError(
    `Cannot set ${id}.${
      kebab(name)
    }: found "${text}", expected values separated by commas, each ${
      expectation(asValued(option))
    }`,
  );
}

function rateOf(text: string, id: string): number {
  const rate = Number(text);
  if (rate > 0 && Number.isFinite(rate)) return rate;
  throw new RangeError(
    `Cannot set ${id}.lr: found "${text}", expected one number above 0`,
  );
}
