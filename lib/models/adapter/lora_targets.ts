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

/** How the updates of an adapter are sized, as PEFT's configuration says it. */
export interface LoraScaling {
  /** Rank of an update, unless a pattern has another one for its module. */
  readonly rank: number;
  /** An update is scaled by alpha / rank. */
  readonly alpha: number;
  /** Scales by alpha / √rank instead. https://arxiv.org/abs/2312.03732 @default false */
  readonly rslora?: boolean;
  /** Ranks of modules, by patterns of their names. @default none */
  readonly rankPattern?: Pattern;
  /** Likewise for alpha. @default none */
  readonly alphaPattern?: Pattern;
}

/** Name of a module, or the last parts of it → a number. */
export type Pattern = Readonly<Record<string, number>>;

/**
 * The rank of a weight's update, and what the update is multiplied by: as PEFT
 * finds them, by the first pattern that matches.
 */
export function updateOf(
  { rank, alpha, rslora = false, rankPattern = {}, alphaPattern = {} }:
    LoraScaling,
  weight: string,
): { rank: number; scale: number } {
  const module = weight.replace(/\.weight$/, "");
  const own = firstMatch(rankPattern, module) ?? rank;
  const size = firstMatch(alphaPattern, module) ?? alpha;
  return { rank: own, scale: size / (rslora ? Math.sqrt(own) : own) };
}

/** Names with dots; `^` says that it is the whole name. */
const PLAIN = /^\^?\w+(\\?\.\w+)*$/;

/**
 * Whether a pattern is a plain name. PEFT takes any regular expression, which
 * a file from outside could have us compute for ever; what PEFT itself writes
 * are names.
 */
export function isPlainPattern(pattern: string): boolean {
  return PLAIN.test(pattern);
}

function firstMatch(pattern: Pattern, module: string): number | undefined {
  const [, value] = Object.entries(pattern).find(([said]) => {
    const name = said.replace(/^\^/, "").replaceAll("\\.", ".");
    return module === name ||
      !said.startsWith("^") && module.endsWith(`.${name}`);
  }) ?? [];
  return value;
}
