import { expectation, kebab } from "../cli/flag.ts";
import type { Loss, Preset } from "../losses/loss.ts";
import {
  defaultOf,
  type LossOption,
  type LossOptions,
} from "../losses/options.ts";
import type { LossSheet, NamedText } from "../plot/loss_panels.ts";
import { describeRequirements } from "../train/requirements.ts";
import { lossCurves, START, weightMaps } from "./curves.ts";

const ANSWERS = `${START.length} tokens and ${minus(START.logProb)} nats`;

/** The content of a loss's page: its declaration, curves and maps. */
export async function lossSheet(loss: Loss): Promise<LossSheet> {
  const { id, title, formula, derivation = [], source, options } = loss;
  const { presets = {}, statistics } = loss;
  const curves = await lossCurves(loss);
  const isPair = loss.data === "pairs" || loss.data === "ranks";
  return {
    ...{ id, title, mark: loss.mark, formula, derivation, source },
    needs: [loss.data, ...describeRequirements(loss)].join(", "),
    statistics: statistics?.formula ?? null,
    start: startText(loss, curves.start),
    defaults: defaultsText(options),
    answers: `Δ = log π/π_ref; answers have ${ANSWERS} under π_ref.`,
    options: Object.entries(options).map(optionEntry),
    presets: Object.entries(presets).map(presetEntry),
    curves: { ...curves, axis: isPair ? "Δ_w − Δ_l, nats" : "Δ, nats" },
    maps: await weightMaps(loss),
  };
}

/** The defaults of options, as in `β = 0.1, reduction = sum`; toggles are off. */
export function defaultsText(options: LossOptions): string {
  return Object.entries(options).flatMap(([name, option]) => {
    if (option.kind === "toggle") return [];
    const called = option.kind === "number" ? option.symbol : kebab(name);
    return `${called} = ${option.default}`;
  }).join(", ");
}

function startText(loss: Loss, start: readonly number[]): string {
  const [first, second] = start.map((x) => String(Number(x.toPrecision(4))));
  const value = second === undefined || first === second
    ? first!
    : `${first} desirable, ${second} undesirable`;
  return describeRequirements(loss).includes("reference")
    ? value
    : `${value}, where answers have ${ANSWERS}`;
}

function optionEntry([name, option]: [string, LossOption]): NamedText {
  return { name: `--${kebab(name)}`, text: optionText(option) };
}

function optionText(option: LossOption): string {
  if (option.kind === "toggle") return option.help;
  const symbol = option.kind === "number" ? `${option.symbol}: ` : "";
  return `${symbol}${option.help} (${expectation(option)}; default ${
    defaultOf(option)
  })`;
}

function presetEntry(
  [peer, { names, options, note }]: [string, Preset<LossOptions>],
): NamedText {
  const flags = Object.entries(options).map(([name, value]) =>
    value === true ? `--${kebab(name)}` : `--${kebab(name)} ${value}`
  );
  const text = [
    names.join(", "),
    flags.join(" ") || "as here",
    ...(note ? [note] : []),
  ].join("; ");
  return { name: peer, text };
}

/** A number with the sign for minus. */
function minus(x: number): string {
  return String(x).replace("-", "−");
}
