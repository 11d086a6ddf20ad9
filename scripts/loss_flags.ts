import type { Loss, Option, Setting } from "lib/losses/loss.ts";
import type { Flag } from "lib/verb.ts";

/**
 * Flags for the options of all losses. Losses share names with different
 * defaults, so a flag has none: an absent one leaves the loss its own.
 */
export function lossFlags(losses: readonly Loss[]): Record<string, Flag> {
  const users = new Map<string, { option: Option; losses: Loss[] }>();
  for (const loss of losses) {
    for (const [name, option] of Object.entries(loss.options)) {
      const user = users.get(name) ?? { option, losses: [] };
      users.set(name, { option, losses: [...user.losses, loss] });
    }
  }
  return Object.fromEntries(
    users.entries().map(([name, { option, losses }]) => [
      name,
      flagOf(
        option,
        losses.map((loss) => describe(loss, name)).join("; "),
      ),
    ]),
  );
}

/** The options of any loss that were given, for `resolveSettings()` to judge. */
export function lossOptions(
  losses: readonly Loss[],
  values: Readonly<Record<string, unknown>>,
): Record<string, Setting> {
  const given: Record<string, Setting> = {};
  for (const { options } of losses) {
    for (const name of Object.keys(options)) {
      const value = values[name];
      if (isSetting(value) && value !== false) given[name] = value;
    }
  }
  return given;
}

function isSetting(value: unknown): value is Setting {
  return ["number", "string", "boolean"].includes(typeof value);
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

/** What an option does in one loss: `dpo: β, strength … (default 0.1)`. */
function describe({ id, options }: Loss, name: string): string {
  const option = options[name]!;
  const symbol = option.kind === "number" ? `${option.symbol}, ` : "";
  const fallback = option.kind === "toggle"
    ? ""
    : ` (default ${option.default})`;
  return `${id}: ${symbol}${option.help}${fallback}`;
}
