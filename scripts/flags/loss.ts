import type { Loss } from "lib/losses/loss.ts";
import {
  defaultOf,
  expectation,
  type LossOption,
  type LossOptionValue,
  resolveOptions,
} from "lib/losses/options.ts";
import { type Flag, kebab } from "lib/cli/verb.ts";
import { reasonOf } from "lib/files/values.ts";

/**
 * Flags for the options of losses. Losses share names with different defaults
 * and bounds, so that a flag has none: an absent one leaves the loss its own,
 * and {@linkcode lossOptions} judges the others.
 *
 * @param taken flags that the verb has already.
 * @throws TypeError for an option of the same name as one of them.
 */
export function lossFlags(
  losses: readonly Loss[],
  taken: Readonly<Record<string, Flag>> = {},
): Record<string, Flag> {
  for (const { id, options } of losses) {
    const clash = Object.keys(options).find((name) => name in taken);
    if (clash === undefined) continue;
    throw new TypeError(
      `Cannot use loss "${id}": its option "${clash}" would be --${
        kebab(clash)
      }, which means something else`,
    );
  }
  const flags = losses.flatMap(({ id, options }) =>
    Object.entries(options).map(([name, option]) =>
      [name, flagOf(option, `Options of ${id}`)] as const
    )
  );
  return Object.fromEntries(flags);
}

/**
 * The options of a loss that were given.
 *
 * @param names of the options of all losses.
 * @throws RangeError that names the flag, for one that the loss does not have
 * or whose value it does not take.
 */
export function lossOptions(
  loss: Loss,
  values: Readonly<Record<string, unknown>>,
  names: Iterable<string>,
): Record<string, LossOptionValue> {
  const given: Record<string, LossOptionValue> = {};
  for (const name of names) {
    const value = values[name];
    if (!isOptionValue(value) || value === false) continue;
    check(loss, name, value);
    given[name] = value;
  }
  return given;
}

function isOptionValue(value: unknown): value is LossOptionValue {
  return ["number", "string", "boolean"].includes(typeof value);
}

function check(
  { id, options }: Loss,
  name: string,
  value: LossOptionValue,
): void {
  const option = options[name];
  if (!option) {
    const known = Object.keys(options).map((name) => `--${kebab(name)}`);
    throw new RangeError(
      `Loss "${id}" does not take --${kebab(name)}: expected ${
        known.join(", ") || "no option"
      }`,
    );
  }
  try {
    resolveOptions({ id, options: { [name]: option } }, { [name]: value });
  } catch (cause) {
    throw new RangeError(`Cannot use --${kebab(name)}: ${reasonOf(cause)}`, {
      cause,
    });
  }
}

function flagOf(option: LossOption, group: string): Flag {
  const { kind, help } = option;
  if (kind === "toggle") return { kind, help, group };
  const expected = kind === "number" ? `${expectation(option)}, ` : "";
  const words = `${help} (${expected}default ${defaultOf(option)})`;
  if (kind === "choice") {
    const { choices } = option;
    return { kind, choices, help: words, group };
  }
  return { kind, help: `${option.symbol}, ${words}`, group };
}
