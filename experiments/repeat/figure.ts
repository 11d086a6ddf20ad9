import { digits, percent, rounded } from "lib/experiment/figure_parts.ts";
import type { Figure, Panel, Table } from "lib/plot/figure.ts";
import { COLORS, INK, LIGHT, MUTED } from "lib/plot/style.ts";
import { tableOf } from "lib/plot/tables.ts";
import { mean } from "lib/train/metrics.ts";
import { MATTERS } from "./claims.ts";
import type { FactorMoves, Measure, Result, Summary } from "./summary.ts";

/** The figure of a summary. Equal summaries give equal figures. */
export function repeatFigure(summary: Summary): Figure {
  return {
    title: titleOf(summary),
    text: [
      `Around each fixed point, one draw of the reference model with its pairs and their order, one factor at a time takes other levels. The unit is the mean difference between DPO and KTO: ${
        digits(summary.units.reward)
      } of reward, ${
        digits(summary.units.kl)
      } nats of KL. All answers that a policy can give are known, so that both are exact.`,
      pointsText(summary),
    ],
    pictured: 2,
    panels: [
      barPanel(summary, { measure: "reward", result: "dpo" }),
      barPanel(summary, { measure: "reward", result: "difference" }),
      barPanel(summary, { measure: "kl", result: "dpo" }),
      barPanel(summary, { measure: "kl", result: "difference" }),
    ],
    tables: [movesTable(summary, "reward"), movesTable(summary, "kl")],
  };
}

interface Bars {
  readonly measure: Measure;
  readonly result: Result;
}

/** How far a factor moves a result at each fixed point, in units. */
function sharesOf(
  { units }: Summary,
  { moves }: FactorMoves,
  { measure, result }: Bars,
): number[] {
  return moves[measure][result].filter((move) => move !== null)
    .map((move) => move / units[measure]);
}

/** The root of the mean variance over fixed points. */
function wholeOf(summary: Summary, factor: FactorMoves, bars: Bars): number {
  const shares = sharesOf(summary, factor, bars);
  return Math.sqrt(mean(shares.map((share) => share ** 2)));
}

/** The finding, whatever the numbers are. */
function titleOf(summary: Summary): string {
  const bars = { measure: "reward", result: "dpo" } as const;
  const sizes = summary.factors.map((factor) => ({
    ...factor,
    size: wholeOf(summary, factor, bars),
  })).toSorted((a, b) => b.size - a.size);
  const drawn = sizes.filter(({ isRandom, size }) => isRandom && size > 0)
    .map(({ title, size }) => `${percent(size)} with ${title}`);
  const none = sizes.filter(({ size }) => size === 0)
    .map(({ title }) => title);
  const still = none.length > 0 ? [`nothing with ${none.join(", ")}`] : [];
  return `DPO's reward moves, in percent of the DPO–KTO difference, by ${
    [...drawn, ...still].join(", ")
  }`;
}

function pointsText({ draws, seeds, points }: Summary): string {
  return draws.length === 1
    ? "One fixed point: nothing here covers others, and no verdict follows."
    : `Each dot is a fixed point: there are ${points.length}, of ${draws.length} draws × ${seeds.length} of seeds.`;
}

const MEASURE_NAMES: Readonly<Record<Measure, string>> = {
  ...{ reward: "reward", kl: "KL" },
};
/** The result that a panel is about. */
function panelTitle({ measure, result }: Bars): string {
  const name = MEASURE_NAMES[measure];
  return result === "difference"
    ? `DPO − KTO in ${name}, both at one level`
    : `${result.toUpperCase()}'s ${name}`;
}

function barPanel(summary: Summary, bars: Bars): Panel {
  const factors = summary.factors.toSorted((a, b) =>
    wholeOf(summary, b, bars) - wholeOf(summary, a, bars)
  );
  const rows = factors.map((_, row) => row);
  const wholes = factors.map((factor) => wholeOf(summary, factor, bars));
  const dots = factors.flatMap((factor, row) =>
    sharesOf(summary, factor, bars).map((share) => ({ share, row }))
  ).filter(({ share }) => share > 0);
  const least = Math.min(MATTERS / 10, ...wholes.filter((x) => x > 0)) / 3;
  const most = Math.max(3, ...dots.map(({ share }) => share * 1.3));
  return {
    title: panelTitle(bars),
    note:
      "Bars: over all fixed points, the standard deviation over the draws of a factor (blue), or the root-mean-square distance of its levels from the fixed point (gray). Dots are fixed points. Beyond the dashed line, a tenth, a factor matters.",
    height: 6 + 2.2 * rows.length,
    data: [
      {
        ...{ type: "bar", orientation: "h", width: 0.6 },
        x: wholes.map(rounded),
        y: rows,
        marker: {
          color: factors.map(({ isRandom }) => isRandom ? COLORS.blue : LIGHT),
        },
        hovertemplate: "%{x:.2p}<extra></extra>",
      },
      {
        ...{ type: "scatter", mode: "markers" },
        x: dots.map(({ share }) => rounded(share)),
        y: dots.map(({ row }) => row),
        marker: { color: INK, size: 4, opacity: 0.5 },
        hovertemplate: "%{x:.2p}<extra></extra>",
      },
    ],
    layout: {
      showlegend: false,
      margin: { l: 190 },
      xaxis: {
        type: "log",
        title: { text: "moved, of the difference (log scale)" },
        range: [Math.log10(least), Math.log10(most)],
        ...ticksFrom(least),
      },
      yaxis: {
        range: [rows.length - 0.4, -0.6],
        tickvals: rows,
        ticktext: factors.map(({ title }) => title),
        showgrid: false,
        ticks: "",
      },
      shapes: [MATTERS, 1].map((at) => ({
        ...{ type: "line", x0: at, x1: at, yref: "paper", y0: 0, y1: 1 },
        line: { color: MUTED, width: 1, dash: at === 1 ? "solid" : "dash" },
      })),
      annotations: zeros(wholes, least),
    },
  };
}

/** Words where a bar has no length. */
function zeros(wholes: readonly number[], least: number) {
  return wholes.flatMap((whole, row) =>
    whole > 0 ? [] : [{
      ...{ x: Math.log10(least), y: row, text: "0: the same bits" },
      ...{ xanchor: "left" as const, showarrow: false, xshift: 4 },
      font: { color: MUTED, size: 12 },
    }]
  );
}

/** Powers of ten: every other one, so that names fit, is in percent. */
function ticksFrom(least: number) {
  const powers = Array.from(
    { length: 1 - Math.floor(Math.log10(least)) },
    (_, i) => -i,
  );
  const text = (power: number) =>
    `${Number((10 ** (power + 2)).toPrecision(1))} %`;
  return {
    tickangle: 0,
    tickvals: powers.map((power) => 10 ** power),
    ticktext: powers.map((power) => power % 2 === 0 ? text(power) : ""),
  };
}

function movesTable(summary: Summary, measure: Measure): Table {
  const share = (result: Result) => (factor: FactorMoves) =>
    Number(
      (100 * wholeOf(summary, factor, { measure, result })).toPrecision(2),
    );
  return tableOf(summary.factors, {
    caption: `How far factors move the ${
      MEASURE_NAMES[measure]
    } at the end of training, in percent of the DPO–KTO difference`,
    columns: {
      factor: ({ title }) => title,
      DPO: share("dpo"),
      KTO: share("kto"),
      "DPO − KTO, the same level": share("difference"),
      "runs with the same bits": ({ same }) => percent(same),
    },
  });
}
