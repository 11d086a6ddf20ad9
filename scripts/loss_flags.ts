import {
  type Loss,
  type Option,
  resolveSettings,
  type Setting,
} from "lib/losses/loss.ts";
import { LOSSES } from "lib/losses/registry.ts";
import { type Flag, kebab } from "lib/verb.ts";

/** Names of options, each with the losses that have it. */
const USERS = usersOf(LOSSES);

/**
 * Flags for the options of all losses. Losses share names with different
 * defaults and bounds, so a flag has none: an absent one leaves the loss its
 * own, and {@linkcode lossOptions} judges the others.
 */
export function lossFlags(): Record<string, Flag> {
  return Object.fromEntries(
    USERS.entries().map(([name, losses]) => [
      name,
      flagOf(losses[0]!.options[name]!, helpOf(name, losses)),
    ]),
  );
}

/**
 * The options that were given.
 *
 * @throws RangeError that names the flag, for one that the loss does not have
 * or whose value it does not take.
 */
export function lossOptions(
  loss: Loss,
  values: Readonly<Record<string, unknown>>,
): Record<string, Setting> {
  const given: Record<string, Setting> = {};
  for (const name of USERS.keys()) {
    const value = values[name];
    if (!isSetting(value) || value === false) continue;
    check(loss, name, value);
    given[name] = value;
  }
  return given;
}

function usersOf(losses: readonly Loss[]): Map<string, Loss[]> {
  const users = new Map<string, Loss[]>();
  for (const loss of losses) {
    for (const name of Object.keys(loss.options)) {
      users.set(name, [...users.get(name) ?? [], loss]);
    }
  }
  return users;
}

function isSetting(value: unknown): value is Setting {
  return ["number", "string", "boolean"].includes(typeof value);
}

function check({ id, options }: Loss, name: string, value: Setting): void {
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
    resolveSettings({ id, options: { [name]: option } }, { [name]: value });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : cause;
    throw new RangeError(`Cannot use --${kebab(name)}: ${reason}`, { cause });
  }
}

const GROUP = "Options of the losses";

function flagOf(option: Option, help: string): Flag {
  if (option.kind === "toggle") return { kind: "toggle", help, group: GROUP };
  if (option.kind === "choice") {
    const { choices } = option;
    return { kind: "choice", choices, help, group: GROUP };
  }
  return { kind: "number", help, group: GROUP };
}

/** What an option does in each loss, a line each; losses that agree share one. */
function helpOf(name: string, losses: readonly Loss[]): string {
  const meanings = Map.groupBy(
    losses,
    ({ options }) => meaningOf(options[name]!),
  );
  return Array.from(
    meanings,
    ([meaning, agreeing]) =>
      `${agreeing.map(({ id }) => id).join(", ")}: ${meaning}`,
  ).join("\n");
}

/** `β, strength … (default 0.1)` */
function meaningOf(option: Option): string {
  if (option.kind === "toggle") return option.help;
  const symbol = option.kind === "number" ? `${option.symbol}, ` : "";
  return `${symbol}${option.help} (default ${option.default})`;
}
