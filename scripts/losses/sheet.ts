import { lossCurves, START, weightMaps } from "lib/loss_tools/curves.ts";
import type { Loss, Preset } from "lib/losses/loss.ts";
import { lossNeeds } from "lib/losses/requirements.ts";
import {
  defaultOf,
  type LossOption,
  type LossOptions,
} from "lib/losses/options.ts";
import type { Entry, LossSheet } from "lib/plot/loss_panels.ts";
import { expectation, kebab } from "lib/cli/flag.ts";

const ANSWERS = `${START.length} tokens and ${minus(START.logProb)} nats`;

/** What there is to say and draw of a loss, computed where it is numbers. */
export async function lossSheet(loss: Loss): Promise<LossSheet> {
  const { id, title, formula, derivation = [], source, options } = loss;
  const { presets = {}, statistics } = loss;
  const curves = await lossCurves(loss);
  const isPair = loss.data === "pairs" || loss.data === "ranks";
  return {
    ...{ id, title, formula, derivation, source },
    needs: [loss.data, ...lossNeeds(loss)].join(", "),
    statistics: statistics?.formula ?? null,
    start: startText(loss, curves.start),
    settings: settingsText(options),
    setting: `Δ = log π/π_ref; answers have ${ANSWERS} under π_ref.`,
    options: Object.entries(options).map(optionEntry),
    presets: Object.entries(presets).map(presetEntry),
    curves: { ...curves, axis: isPair ? "Δ_w − Δ_l, nats" : "Δ, nats" },
    maps: await weightMaps(loss),
  };
}

/** `β = 0.1, reduction = sum` */
export function settingsText(options: LossOptions): string {
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
  return lossNeeds(loss).includes("reference")
    ? value
    : `${value}, where answers have ${ANSWERS}`;
}

function optionEntry([name, option]: [string, LossOption]): Entry {
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
  [peer, { names, settings, note }]: [string, Preset<LossOptions>],
): Entry {
  const flags = Object.entries(settings).map(([name, value]) =>
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

/** What a page says of a loss, for the terminal. */
export function sheetText(
  { id, title, formula, derivation, options, presets, ...sheet }: LossSheet,
): string {
  const facts = Object.entries({
    needs: sheet.needs,
    batch: sheet.statistics,
    "at π = π_ref": sheet.start,
    source: sheet.source,
  }).flatMap(([name, text]) => text === null ? [] : { name, text });
  const part = (heading: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : [heading, ...lines.map((line) => `  ${line}`)];
  const entries = (list: LossSheet["options"]) => {
    const width = Math.max(...list.map(({ name }) => name.length));
    return list.map(({ name, text }) => `${name.padEnd(width)}  ${text}`);
  };
  return [
    `${id}: ${title}`,
    ...part("", [formula]),
    ...part("", entries(facts)),
    ...part("\nHow it comes about:", derivation.map(withoutQuotes)),
    ...part("\nOptions:", entries(options)),
    ...part("\nIn other trainers:", entries(presets)),
  ].join("\n");
}

function withoutQuotes(step: string, i: number): string {
  return `${i + 1}. ${step.replaceAll("`", "")}`;
}
