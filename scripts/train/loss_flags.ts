import { type Flag, type Flags, kebab, parsed } from "lib/cli/flag.ts";
import type { Loss } from "lib/losses/loss.ts";
import type { LossOptionValues } from "lib/losses/options.ts";

/**
 * Flags for the options of a loss, and for those of others, so that an option
 * which the loss does not have is refused by name.
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
        ? {
          ...{ ...option, group: `Options of ${id}`, help: symbol + help },
          several: "deno task compare takes several",
        }
        : kind === "toggle"
        ? { kind, help }
        : anything(help);
    }
  }
  return flags;
}

/** A flag whose value nobody reads, as it is refused. */
function anything(help: string): Flag {
  return parsed({
    ...{ help, placeholder: "VALUE", expected: "a value" },
    parse: (text): unknown => text,
    is: (value): value is unknown => value !== undefined,
  });
}

/** Other trainers' names for options of losses, as `Verb.elsewhere` has them. */
export function optionsElsewhere(
  losses: readonly Loss[],
): Record<string, string> {
  return Object.fromEntries(
    losses.flatMap(({ options }) =>
      Object.entries(options).flatMap(([name, { aka = [] }]) =>
        aka.map((other) => [other, `--${kebab(name)}`])
      )
    ),
  );
}

/**
 * The given options of a loss, by name.
 *
 * @throws RangeError for an option that the loss does not have.
 */
export function lossOptions(
  { id, options }: Loss,
  values: Readonly<Record<string, unknown>>,
  names: readonly string[],
): LossOptionValues {
  const foreign = names.find((name) => !Object.hasOwn(options, name));
  if (foreign !== undefined) {
    const known = Object.keys(options).map((name) => `--${kebab(name)}`);
    throw new RangeError(
      `Loss "${id}" does not take --${kebab(foreign)}: expected ${
        known.join(", ") || "no option"
      }`,
    );
  }
  const given = names.map((name) => [name, values[name]] as const);
  return Object.fromEntries(given) as LossOptionValues;
}
