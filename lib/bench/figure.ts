import { join } from "node:path";
import { writeTextAtomically } from "../files/atomic.ts";
import type { Figure, Panel, ScatterTrace } from "../plot/figure.ts";
import { writeFigure } from "../plot/figure_page.ts";
import { rounded } from "../plot/page.ts";
import { COLORS, MUTED, seriesStyle } from "../plot/style.ts";
import { TABLE_FILES } from "../plot/tables.ts";
import { canonicalJson } from "../record/canonical_json.ts";
import { type Cost, inOrder, type Varied } from "./cost.ts";
import type { Ratio } from "./ratios.ts";
import { type BenchRecord, readBench } from "./record.ts";
import { type BenchSummary, summaryOf } from "./summary.ts";
import { benchTables } from "./tables.ts";

/**
 * Writes summary, tables and figure of a benchmark from its record alone.
 *
 * @throws Error for a folder that has none.
 */
export async function rebuildBenchFigure(folder: string): Promise<void> {
  const record = await readBench(folder);
  if (!record) {
    throw new Error(`Cannot draw ${folder}: expected bench.json, found none`);
  }
  const summary = canonicalJson(summaryOf(record), { indent: 1 });
  await writeTextAtomically(join(folder, "summary.json"), `${summary}\n`);
  const tables = benchTables(record);
  for (const [name, write] of Object.entries(TABLE_FILES)) {
    await writeTextAtomically(join(folder, name), write(tables));
  }
  await writeFigure(folder, benchFigure(record));
}

/** The page of a record. */
export function benchFigure(record: BenchRecord): Figure {
  const { sections } = record;
  const summary = summaryOf(record);
  const curves = inOrder(sections.cost ?? {});
  const ratios = ratioPanels(summary);
  return {
    title: titleOf(summary),
    text: [
      [workText(record), ...ratios.length > 0 ? [PEER_TEXT] : []].join(" "),
    ],
    panels: [...ratios, ...curves.flatMap(costPanels)],
    pictured: ratios.length + (sections.cost?.["length"] ? 2 : 0),
    tables: benchTables(record),
  };
}

/** What panels of ratios show. */
const PEER_TEXT =
  "Lines are 95 % intervals over rounds, in each of which both " +
  "train on the same pairs. The reference is scored once, before the " +
  "first step; by default TRL scores it in each step.";

/** What was trained, and on what. */
function workText(
  { environment: { cpu, device, threads }, settings }: BenchRecord,
): string {
  const count = `${threads} ${threads === 1 ? "thread" : "threads"}`;
  const processor = `${count} of ${cpu ?? "a processor"}`;
  return device === "cpu"
    ? `${
      settings["model"]
    } with LoRA of rank 16 on all linear layers, on ${processor}.`
    : `Decoders of random weights, on device ${device} beside ${processor}.`;
}

function titleOf({ peers }: BenchSummary): string {
  const text = (name: string) => peers[name]?.withReference.estimate.toFixed(1);
  const [single, half] = [text("long-dpo-float32"), text("long-dpo-bfloat16")];
  if (!single) return "Speed and memory of training";
  const inHalf = half ? `, ${half} times in bfloat16` : "";
  return `DPO takes TRL ${single} times as long in float32${inHalf}, reference included`;
}

/** Time and memory of each peer, beside one another. */
function ratioPanels({ peers }: BenchSummary): Panel[] {
  const names = Object.keys(peers);
  if (names.length === 0) return [];
  return [
    ratioPanel("Time with the reference, TRL over prefgrad", {
      ratios: Object.values(peers).map(({ withReference }) => withReference),
      names,
    }),
    ratioPanel("Peak memory, TRL over prefgrad", {
      ratios: Object.values(peers).map(({ memory }) => memory),
      names,
    }),
  ];
}

/** A row for each ratio, from the top, with its interval. */
function ratioPanel(
  title: string,
  { names, ratios }: {
    names: readonly string[];
    ratios: readonly Ratio[];
  },
): Panel {
  const rows = names.map((_, i) => i);
  return {
    title,
    height: 6 + 1.6 * rows.length,
    data: ratios.map(ratioTrace),
    layout: {
      xaxis: { title: { text: "times as much" }, rangemode: "tozero" },
      yaxis: {
        range: [rows.length - 0.4, -0.6],
        tickvals: rows,
        ticktext: names.map((name) => name.replaceAll("-", " ")),
      },
      showlegend: false,
      shapes: [{
        ...{ type: "line", yref: "paper", x0: 1, x1: 1, y0: 0, y1: 1 },
        line: { color: MUTED, width: 1 },
      }],
    },
  };
}

function ratioTrace({ estimate, low, high }: Ratio, row: number): ScatterTrace {
  return {
    type: "scatter",
    mode: "markers",
    x: [rounded(estimate)],
    y: [row],
    marker: { color: COLORS.blue, symbol: "square", size: 9 },
    error_x: {
      type: "data",
      symmetric: false,
      array: [rounded((high ?? estimate) - estimate)],
      arrayminus: [rounded(estimate - (low ?? estimate))],
      ...{ color: COLORS.blue, thickness: 2, width: 0 },
    },
    hovertemplate: "%{x:.2f}<extra></extra>",
  };
}

/** Speed and memory against the number that a curve varies. */
function costPanels([varied, points]: [Varied, readonly Cost[]]): Panel[] {
  const x = points.map((point) => point[varied]);
  const panel = (title: string, of: (cost: Cost) => number): Panel => ({
    title: `${title} by ${varied}`,
    data: [{
      ...{ type: "scatter", mode: "lines+markers", x },
      y: points.map((point) => rounded(of(point))),
      ...seriesStyle(0),
    }],
    layout: {
      xaxis: { type: "log", title: { text: varied }, tickvals: x },
      yaxis: { title: { text: title }, rangemode: "tozero" },
    },
  });
  return [
    panel("Seconds a step", ({ seconds }) => seconds),
    panel(
      "Gigabytes beyond the loaded model",
      ({ peakMemoryBytes, loadedBytes }) =>
        (peakMemoryBytes - loadedBytes) / 1e9,
    ),
  ];
}
