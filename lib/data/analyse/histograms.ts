import type { Histogram } from "../../plot/data_page.ts";
import { binCounts, wholeBins } from "../../stats/describe.ts";
import { quantile } from "../../stats/interval.ts";
import type { DataKind } from "../example.ts";
import type { Lengths } from "./lengths.ts";

/** What the two sides of each kind of data are called. */
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
