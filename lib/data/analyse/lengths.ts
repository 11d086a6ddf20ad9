import type { DataKind, Example } from "../example.ts";
import type { Finding } from "./count_findings.ts";
import { binCounts, correlation, wholeBins } from "../../stats/describe.ts";
import { quantile } from "../../stats/interval.ts";
import type { Histogram } from "../../plot/data_page.ts";
import { completionTexts, type PreferenceRow } from "../preference_row.ts";

/** Lengths of a file's texts: in tokens with a tokenizer, else in characters. */
export interface Lengths {
  readonly unit: "tokens" | "characters";
  readonly prompts: readonly number[];
  /** Chosen, desirable or best completions. */
  readonly better: readonly number[];
  /** Rejected or undesirable completions, or all except the best. */
  readonly worse: readonly number[];
}

/** Relation of length and preference. */
export interface LengthBias {
  /** Pairs, or lists, whose best completion is longer than the others' mean; `null` for labels. */
  readonly longerChosen: number | null;
  /** Rows where lengths differ, for pairs and lists. */
  readonly compared: number;
  /** Lengths and goodness of the completions; in lists both less the list's means. */
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** Common beginnings of a row's completions. */
export interface SharedPrefixes {
  /** Rows compared. */
  readonly rows: number;
  /** Length of the common beginning where there is one. */
  readonly lengths: readonly number[];
  /** Rows where it is more than half of the shortest completion. */
  readonly mostly: number;
}

/** A collector that {@linkcode lengthCollector} makes. */
export type LengthCollector = ReturnType<typeof lengthCollector>;

type Sequence = string | readonly number[];

/** Collects lengths and common beginnings of prompts and completions. */
export function lengthCollector(kind: DataKind) {
  const none = (): number[] => [];
  const lengths = { prompts: none(), better: none(), worse: none() };
  const bias = { longerChosen: 0, compared: 0, x: none(), y: none() };
  const prefixes = { rows: 0, lengths: none(), mostly: 0 };
  let unit: Lengths["unit"] = "characters";
  const addSizes = (row: PreferenceRow, sizes: readonly number[]) => {
    if (kind === "labels") {
      (row.label ? lengths.better : lengths.worse).push(sizes[0]!);
      bias.x.push(sizes[0]!);
      bias.y.push(Number(row.label));
      return;
    }
    lengths.better.push(sizes[0]!);
    lengths.worse.push(...sizes.slice(1));
    addBias(row, sizes, bias);
  };
  return {
    /** @param example the row's ids, where a tokenizer is at hand. */
    add(row: PreferenceRow, example?: Example): void {
      const ids = example ?? (row.form === "ids" ? row : null);
      if (ids) unit = "tokens";
      const completions = ids?.completions ?? completionTexts(row);
      lengths.prompts.push(ids ? ids.prompt.length : promptCharacters(row));
      addSizes(row, completions.map(({ length }) => length));
      if (kind !== "labels") addPrefix(completions, prefixes);
    },
    lengths: (): Lengths => ({ unit, ...lengths }),
    bias: (): LengthBias =>
      kind === "labels" ? { ...bias, longerChosen: null } : bias,
    prefixes: (): SharedPrefixes => prefixes,
    findings(): Finding[] {
      const biased = lengthBiasFinding(this.bias(), unit);
      return kind === "labels"
        ? [biased]
        : [biased, prefixFinding(prefixes, unit)];
    },
  };
}

/** Adds a row's lengths and values, less their means in the row. */
function addBias(
  { ratings }: PreferenceRow,
  sizes: readonly number[],
  bias: { longerChosen: number; compared: number; x: number[]; y: number[] },
): void {
  const values = ratings ?? sizes.map((_, rank) => -rank);
  const [size, value] = [mean(sizes), mean(values)];
  bias.x.push(...sizes.map((x) => x - size));
  bias.y.push(...values.map((y) => y - value));
  const others = mean(sizes.slice(1));
  if (sizes[0] === others) return;
  bias.compared++;
  if (sizes[0]! > others) bias.longerChosen++;
}

export function lengthBiasFinding(
  { longerChosen, compared, x, y }: LengthBias,
  unit: Lengths["unit"],
): Finding {
  const r = correlation(x, y);
  const correlated = r === null
    ? "no spread to correlate"
    : `correlation of ${unit} with being preferred ${signed(r)}`;
  const finding = { check: "length bias", places: [] };
  if (longerChosen === null) {
    const verdict = Math.abs(r ?? 0) > 0.2 ? "look" : "ok";
    return { ...finding, verdict, count: x.length, says: correlated };
  }
  const share = compared === 0 ? 0.5 : longerChosen / compared;
  const biased = compared >= 10 && Math.abs(share - 0.5) > 0.1;
  return {
    ...finding,
    verdict: biased ? "look" : "ok",
    count: longerChosen,
    says: `the better answer is the longer one in ${percent(share)} of ` +
      `${compared} rows; ${correlated}`,
  };
}

export function prefixFinding(
  { rows, lengths, mostly }: SharedPrefixes,
  unit: Lengths["unit"],
): Finding {
  const says = lengths.length === 0
    ? ""
    : `in ${
      percent(lengths.length / rows)
    } of the rows answers begin alike, at the median with ${
      quantile(lengths, 0.5)
    } ${unit}; in ${mostly} of them they share more than half of the shorter`;
  return {
    check: "answers that begin alike",
    verdict: mostly > rows / 10 ? "look" : "ok",
    count: lengths.length,
    places: [],
    says,
  };
}

function addPrefix(
  completions: readonly Sequence[],
  prefixes: { rows: number; lengths: number[]; mostly: number },
): void {
  const shortest = Math.min(...completions.map(({ length }) => length));
  const [first, ...others] = completions;
  let length = 0;
  while (
    length < shortest &&
    others.every((other) => other[length] === first![length])
  ) length++;
  prefixes.rows++;
  if (length > 0) prefixes.lengths.push(length);
  if (length > shortest / 2) prefixes.mostly++;
}

function promptCharacters(row: PreferenceRow): number {
  if (row.form !== "chat") return row.prompt.length;
  return row.prompt.reduce((sum, { content }) => sum + content.length, 0);
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function signed(x: number): string {
  return x.toFixed(2).replace("-", "−");
}

/** Names of the two sides of each kind of data. */
const SIDES: Record<DataKind, readonly [better: string, worse: string]> = {
  pairs: ["chosen", "rejected"],
  labels: ["desirable", "undesirable"],
  ranks: ["best", "others"],
};

/** The lengths of each part of a file by its name, parts that are missing left out. */
export function namedLengths(
  { prompts, better, worse }: Lengths,
  kind: DataKind,
): [name: string, lengths: readonly number[]][] {
  const [first, second] = SIDES[kind];
  const parts: [string, readonly number[]][] = [
    ["prompt", prompts],
    [first, better],
    [second, worse],
  ];
  return parts.filter(([, lengths]) => lengths.length > 0);
}

/** Lengths as histograms: of prompts, and of both sides in the same bins. */
export function lengthHistograms(
  lengths: Lengths,
  kind: DataKind,
): Histogram[] {
  const [prompts, ...sides] = namedLengths(lengths, kind);
  const { unit } = lengths;
  return [
    histogram([prompts!], { title: "Prompts", unit }),
    histogram(sides, { title: "Completions", unit }),
  ];
}

function histogram(
  parts: readonly (readonly [name: string, lengths: readonly number[]])[],
  { title, unit }: { title: string; unit: string },
): Histogram {
  const bins = wholeBins(parts.flatMap(([, lengths]) => [...lengths]));
  return {
    title,
    axis: unit,
    note: parts.map(([name, lengths]) => `${name}: ${summary(lengths)}`)
      .join("; "),
    width: bins.width,
    series: parts.map(([name, lengths]) => ({
      name,
      counts: binCounts(lengths, bins),
    })),
  };
}

function summary(lengths: readonly number[]): string {
  const [low, middle, high] = [0, 0.5, 1].map((p) => quantile(lengths, p));
  return `median ${middle}, ${low} to ${high}`;
}
