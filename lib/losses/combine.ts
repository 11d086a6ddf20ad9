import {
  type Combination,
  type Loss,
  type Peer,
  PEERS,
  type Preset,
  type WeightedLoss,
} from "./loss.ts";
import type { LossOption, LossOptions, NumberOption } from "./options.ts";

/**
 * The sum of losses, each times its weight. Options of one name are one
 * option, with the default of the first loss that has it, within the bounds of
 * all; a loss of single completions counts chosen, desirable or best ones.
 *
 * @example
 * ```ts
 * import { combine, findLoss } from "@prefgrad/prefgrad/losses";
 * import { strictEqual } from "node:assert/strict";
 *
 * const sum = combine("dpo+0.2*sft", [
 *   { loss: findLoss("dpo"), weight: 1 },
 *   { loss: findLoss("sft"), weight: 0.2 },
 * ]);
 * strictEqual(sum.data, "pairs");
 * ```
 *
 * @throws RangeError for losses that do not go together.
 */
export function combine(
  id: string,
  parts: readonly WeightedLoss[],
): Combination {
  const losses = parts.map(({ loss }) => loss);
  const kinds = new Set(losses.map(({ data }) => data));
  const [kind = "completions", other] = kinds.size > 1
    ? [...kinds].filter((data) => data !== "completions")
    : kinds;
  const refuse = (why: string) => {
    throw new RangeError(`Cannot combine losses as "${id}": ${why}`);
  };
  if (other) refuse(`one is of ${kind}, another of ${other}`);
  const [statistics, more] = losses.flatMap(({ statistics }) =>
    statistics ? [statistics] : []
  );
  if (more) refuse("two of them couple the examples of a batch");
  const rewardScale = losses.find((loss) => loss.rewardScale)?.rewardScale;
  const labelWeights = losses.find((loss) => loss.labelWeights)?.labelWeights;
  return {
    id,
    title: losses.map(({ title }) => title).join(" + "),
    formula: parts.map(formulaOf).join(" + "),
    source: losses.map(({ source }) => source).join("; "),
    data: kind,
    parts,
    options: losses.reduce<LossOptions>(
      (merged, { options }) => mergedOptions(merged, options, refuse),
      {},
    ),
    presets: mergedPresets(losses),
    ...statistics && { statistics },
    ...rewardScale && { rewardScale },
    ...labelWeights && { labelWeights },
    minimumBatch: Math.max(
      ...losses.map(({ minimumBatch = 1 }) => minimumBatch),
    ),
  };
}

function formulaOf({ loss: { formula }, weight }: WeightedLoss): string {
  return weight === 1 ? `[${formula}]` : `${weight} [${formula}]`;
}

function mergedOptions(
  merged: LossOptions,
  added: LossOptions,
  refuse: (why: string) => void,
): LossOptions {
  const all: Record<string, LossOption> = { ...merged };
  for (const [name, option] of Object.entries(added)) {
    const known = all[name];
    if (known && known.kind !== option.kind) {
      refuse(`their options "${name}" are different things`);
    }
    all[name] = known?.kind === "number" && option.kind === "number"
      ? withinBoth(known, option)
      : known ?? option;
  }
  return all;
}

function withinBoth(a: NumberOption, b: NumberOption): NumberOption {
  const tighter = (
    name: "above" | "min" | "below" | "max",
    choose: (...bounds: number[]) => number,
  ) => {
    const bounds = [a, b].flatMap((option) => option[name] ?? []);
    return bounds.length > 0 ? { [name]: choose(...bounds) } : {};
  };
  return {
    ...a,
    ...tighter("above", Math.max),
    ...tighter("min", Math.max),
    ...tighter("below", Math.min),
    ...tighter("max", Math.min),
  };
}

/** Presets of the trainers that have all of the losses, and their sums. */
function mergedPresets(
  losses: readonly Loss[],
): Combination["presets"] & object {
  const merged = new Map<Peer, Preset<LossOptions>>();
  for (const peer of PEERS) {
    const presets = losses.flatMap(({ presets }) => presets?.[peer] ?? []);
    if (presets.length < losses.length) continue;
    if (losses.length > 1 && presets.some(({ alone }) => alone)) continue;
    merged.set(peer, {
      names: [presets.map(({ names }) => names[0]).join("+")],
      options: Object.assign({}, ...presets.map(({ options }) => options)),
    });
  }
  return Object.fromEntries(merged);
}
