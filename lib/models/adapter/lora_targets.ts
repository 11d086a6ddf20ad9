import { architectureOf, type DecoderConfig } from "../config.ts";
import { linearParameters } from "../parameters.ts";
import { moduleMatcher } from "./module_pattern.ts";

/**
 * Finds the base weights that an adapter changes, in forward order.
 *
 * @param targets names of modules (`q_proj`, or more of the path), or
 * `all-linear`: every linear layer except the head, as in PEFT.
 * @throws RangeError for a name without a module, and for embedding and head.
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
    const { embedding, head } = architectureOf(config).names;
    const isOutside = [embedding, head]
      .some((module) => matches(`${module}.weight`, unknown));
    throw new RangeError(
      `${isOutside ? "LoRA is not trained on" : "Unknown LoRA target"} ` +
        `"${unknown}": expected all-linear or some of ` +
        lastParts(linear).join(", "),
    );
  }
  return linear.filter((name) => targets.some((t) => matches(name, t)));
}

/**
 * Finds the shortest names of modules that match these weights and no others:
 * their last parts, or whole paths if only some layers have an adapter.
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

/** Ranks and scales of an adapter's updates, as in PEFT's configuration. */
export interface LoraScaling {
  /** Rank of updates whose module matches no pattern. */
  readonly rank: number;
  /** Numerator of the scale alpha / rank. */
  readonly alpha: number;
  /** Scales by alpha / √rank instead. https://arxiv.org/abs/2312.03732 @default false */
  readonly rslora?: boolean;
  /** Ranks of modules, by patterns of their names. @default none */
  readonly rankPattern?: Pattern;
  /** Alphas of modules, by patterns of their names. @default none */
  readonly alphaPattern?: Pattern;
}

/** Name of a module, the last parts of it, or an expression of them → a number. */
export type Pattern = Readonly<Record<string, number>>;

/**
 * Finds the rank and the scale of a weight's update as PEFT does, by the first
 * pattern that matches.
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

function firstMatch(pattern: Pattern, module: string): number | undefined {
  const [, value] = Object.entries(pattern)
    .find(([key]) => moduleMatcher(key)?.matches(module)) ?? [];
  return value;
}
