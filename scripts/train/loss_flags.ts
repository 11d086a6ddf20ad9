import { type Flag, type Flags, kebab } from "lib/cli/flag.ts";
import type { Loss } from "lib/losses/loss.ts";
import type { LossOptionValue, LossOptionValues } from "lib/losses/options.ts";

/**
 * Flags for the options of a loss, and of others, so that an option which the
 * loss does not have is understood and refused by name.
 *
 * @param taken flags that the verb has already.
 * @throws TypeError for an option of the same name as one of them.
 */
export function lossFlags(
  loss: Loss | undefined,
  others: readonly Loss[],
  taken: Flags = {},
): Record<string, Flag> {
  const flags: Record<string, Flag> = {};
  for (const { id, options } of loss ? [...others, loss] : others) {
    for (const [name, option] of Object.entries(options)) {
      if (name in taken) {
        throw new TypeError(
          `Cannot use loss "${id}": its option "${name}" would be --${
            kebab(name)
          }, which means something else`,
        );
      }
      const { kind, help } = option;
      const symbol = kind === "number" ? `${option.symbol}, ` : "";
      flags[name] = id === loss?.id
        ? { ...option, group: `Options of ${id}`, help: symbol + help }
        : { kind: kind === "toggle" ? kind : "text", help };
    }
  }
  return flags;
}

/**
 * The options of a loss that were given, by name.
 *
 * @throws RangeError for an option that the loss does not have.
 */
export function lossOptions(
  { id, options }: Loss,
  values: Readonly<Record<string, unknown>>,
  names: readonly string[],
): LossOptionValues {
  return Object.fromEntries(names.map((name) => {
    const value = values[name];
    if (Object.hasOwn(options, name) && isOptionValue(value)) {
      return [name, value];
    }
    const flags = Object.keys(options).map((name) => `--${kebab(name)}`);
    throw new RangeError(
      `Loss "${id}" does not take --${kebab(name)}: expected ${
        flags.join(", ") || "no option"
      }`,
    );
  }));
}

function isOptionValue(value: unknown): value is LossOptionValue {
  return ["number", "string", "boolean"].includes(typeof value);
}
