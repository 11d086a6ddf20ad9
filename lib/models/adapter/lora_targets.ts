import type { DecoderConfig } from "../config.ts";
import { linearParameters } from "../parameters.ts";

/**
 * Finds the base weights that an adapter shall change, in forward order.
 *
 * @param targets module names (`q_proj`, or more of the path), or `all-linear`:
 * every linear layer but the head, as PEFT has it.
 * @throws RangeError for a name that no module has.
 */
export function resolveTargets(
  config: DecoderConfig,
  targets: "all-linear" | readonly string[],
): string[] {
  const linear = linearParameters(config).map(({ name }) => name);
  if (targets === "all-linear") return linear;
  const unknown = targets.find((target) =>
    !linear.some((name) => matches(name, target))
  );
  if (unknown !== undefined) {
    throw new RangeError(
      `Unknown LoRA target "${unknown}": expected all-linear or some of ` +
        lastParts(linear).join(", "),
    );
  }
  return linear.filter((name) => targets.some((t) => matches(name, t)));
}

/**
 * The shortest names of modules that mean these weights and no others: their
 * last parts, or whole paths where only some layers have an adapter.
 */
export function targetModules(
  config: DecoderConfig,
  weights: readonly string[],
): string[] {
  const short = lastParts(weights);
  return resolveTargets(config, short).length === weights.length
    ? short
    : weights.map((name) => name.replace(/\.weight$/, ""));
}

function matches(name: string, target: string): boolean {
  return `.${name}`.endsWith(`.${target}.weight`);
}

function lastParts(weights: readonly string[]): string[] {
  return [...new Set(weights.map((name) => name.split(".").at(-2)!))];
}
