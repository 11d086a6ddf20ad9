import {
  digits,
  endsOf,
  methodStyle,
  percent,
  rounded,
  runsText,
} from "lib/experiment/figure_parts.ts";
import { findSetting } from "lib/experiment/summary.ts";
import type { Figure, Panel, ScatterTrace, Table } from "lib/plot/figure.ts";
import { labelledLines } from "lib/plot/labels.ts";
import { PAPER } from "lib/plot/style.ts";
import { tableOf } from "lib/plot/tables.ts";
import { quantile } from "lib/stats/interval.ts";
import { MOST, type Side } from "./settings.ts";
import { netReward } from "../answers/criteria.ts";
import type { ImbalanceSetting, Summary } from "./summary.ts";

type Optimum = ImbalanceSetting["optima"][number];

/** A value of each run, and of the optimum of its loss. */
interface Measure {
  /** Heading of its column. */
  readonly column: string;
  /** Title of its axis. */
  readonly axis: string;
  readonly tickformat?: string;
  of(setting: ImbalanceSetting): number[];
  atOptimum(optimum: Optimum): number;
  show(value: number): string;
}

const WINS: Measure = {
  column: "wins against π_ref",
  axis: "wins against the reference model",
  tickformat: ".0%",
  of: (setting) => endsOf(setting, "winRate"),
  atOptimum: ({ winRate }) => winRate,
  show: percent,
};
const REWARD: Measure = {
  ...{ column: "reward", axis: "gold reward" },
  of: (setting) => endsOf(setting, "reward"),
  atOptimum: ({ reward }) => reward,
  show: digits,
};
const DISTANCE: Measure = {
  ...{ column: "KL (nats)", axis: "KL from the reference model, nats" },
  of: (setting) => endsOf(setting, "kl"),
  atOptimum: ({ kl }) => kl,
  show: digits,
};
const NET: Measure = {
  ...{ column: "E[r] − 0.5 KL", axis: "reward less the price of distance" },
  of: ({ nets }) => nets.filter((value) => value !== null),
  atOptimum: netReward,
  show: digits,
};

const SIDES: Readonly<Record<Side, string>> = {
  dropDesirable: "desirable",
  dropUndesirable: "undesirable",
};

/** The figure of a summary. Equal summaries give equal figures. */
export function imbalanceFigure(summary: Summary): Figure {
  return {
    title: titleOf(summary),
    text: [
      "Pairs of a small decoder's own answers are compared by a known reward. KTO reads them as single answers, desirable or not, of which a share is dropped; DPO has all pairs. All answers that the decoder can give are known, so that each number is exact.",
      runsText(summary),
    ],
    pictured: 2,
    panels: [
      ...[WINS, NET, DISTANCE].flatMap((measure) =>
        sidePanels(summary, measure)
      ),
    ],
    tables: [endsTable(summary), optimaTable(summary)],
  };
}

const middle = (values: readonly number[]) => quantile(values, 0.5);

/** The finding, whatever the numbers are. */
function titleOf({ settings }: Summary): string {
  const [few, without] = [true, false].map((isWeighted) =>
    findSetting(
      settings.filter((each) => each.isWeighted === isWeighted),
      "kto",
      { dropDesirable: MOST },
    )
  );
  const dpo = findSetting(settings, "dpo");
  const [weighted, unweighted, line] = [few, without, dpo].map((setting) =>
    setting ? percent(middle(WINS.of(setting))) : "–"
  );
  return `With ${
    percent(MOST)
  } of the desirable answers dropped, KTO wins ${weighted} against the reference model with weights by the rule, ${unweighted} without; DPO on all pairs ${line}`;
}

/** A panel for each label that is dropped, on the same axis. */
function sidePanels({ settings }: Summary, measure: Measure): Panel[] {
  const { axis, tickformat } = measure;
  const drawn = Object.entries(SIDES).map(([side, called]) => ({
    called,
    ...tracesOf(settings, side, measure),
  }));
  const heights = drawn.flatMap(({ lines, marks }) =>
    [...lines, ...marks].flatMap(({ y }) => y.map(Number))
  );
  const [low, high] = [Math.min(...heights), Math.max(...heights)];
  const more = 0.05 * (high - low);
  const all = drawn.flatMap(({ marks }) => marks);
  return drawn.map(({ called, lines, marks }): Panel => ({
    title: `${called[0]!.toUpperCase()}${called.slice(1)} answers dropped`,
    note:
      "Lines join medians, small marks are runs. Hollow diamonds: KTO's own optimum with endless answers, exact.",
    data: [...marks, ...lines],
    layout: {
      ...labelledLines(lines, { unnamed: all }),
      xaxis: {
        title: { text: `share of ${called} answers dropped` },
        ...{ tickformat: ".0%", tickvals: [0, 0.5, MOST] },
        range: [-0.05, MOST + 0.05],
      },
      yaxis: {
        title: { text: axis },
        range: [rounded(low - more), rounded(high + more)],
        ...tickformat && { tickformat },
      },
    },
  }));
}

/** Lines that have names, and runs and optima beside them. */
function tracesOf(
  settings: readonly ImbalanceSetting[],
  side: string,
  measure: Measure,
) {
  const kto = [true, false].map((isWeighted) =>
    settings.filter((each) =>
      each.loss === "kto" && each.isWeighted === isWeighted &&
      shareOf(each, side) !== null
    )
  );
  return {
    lines: [
      ...kto.map((own) => lineOf(own, side, measure)),
      ...dpoLine(settings, measure),
    ],
    marks: kto.flatMap((own) => [
      runTrace(own, side, measure),
      optimumTrace(own, side, measure),
    ]),
  };
}

/** The share of a side that a setting drops; `null` where it drops the other. */
function shareOf({ level }: ImbalanceSetting, side: string): number | null {
  return Object.keys(level).every((name) => name === side)
    ? level[side] ?? 0
    : null;
}

function lookOf(own: readonly ImbalanceSetting[]) {
  const isWeighted = own[0]?.isWeighted ?? false;
  const { line, marker } = methodStyle("kto");
  return isWeighted
    ? { line, marker, name: "KTO, weighted" }
    : { line: { ...line, dash: "dot" as const }, marker, name: "KTO" };
}

function lineOf(
  own: readonly ImbalanceSetting[],
  side: string,
  { of }: Measure,
): ScatterTrace {
  return {
    ...{ type: "scatter", mode: "lines+markers" },
    ...lookOf(own),
    x: own.map((setting) => shareOf(setting, side)!),
    y: own.map((setting) => rounded(middle(of(setting)))),
  };
}

/** DPO on all pairs, as a line across. */
function dpoLine(
  settings: readonly ImbalanceSetting[],
  { of }: Measure,
): ScatterTrace[] {
  const dpo = findSetting(settings, "dpo");
  if (!dpo) return [];
  const y = rounded(middle(of(dpo)));
  return [{
    ...{ type: "scatter", mode: "lines", name: "DPO, all pairs" },
    ...{ x: [0, MOST], y: [y, y], ...methodStyle("dpo") },
  }];
}

function runTrace(
  own: readonly ImbalanceSetting[],
  side: string,
  { of }: Measure,
): ScatterTrace {
  const { marker, name } = lookOf(own);
  const shift = own[0]?.isWeighted ? 0.012 : -0.012;
  const runs = own.flatMap((setting) =>
    of(setting).map((y) => ({ x: shareOf(setting, side)! + shift, y }))
  );
  return {
    ...{ type: "scatter", mode: "markers", name: `${name}, runs` },
    x: runs.map(({ x }) => rounded(x)),
    y: runs.map(({ y }) => rounded(y)),
    marker: { ...marker, size: 4, opacity: 0.3 },
  };
}

function optimumTrace(
  own: readonly ImbalanceSetting[],
  side: string,
  { atOptimum }: Measure,
): ScatterTrace {
  const { line: { color, dash }, name } = lookOf(own);
  return {
    ...{ type: "scatter", mode: "lines+markers", name: `${name}, optimum` },
    x: own.map((setting) => shareOf(setting, side)!),
    y: own.map(({ optima }) => rounded(middle(optima.map(atOptimum)))),
    line: { color, width: 1, dash },
    marker: {
      ...{ symbol: "diamond", size: 9, color: PAPER, opacity: 1 },
      line: { color, width: 1.75 },
    },
  };
}

const methodOf = ({ loss, isWeighted, level }: ImbalanceSetting) =>
  [
    loss,
    ...isWeighted ? ["weighted"] : [],
    ...level["slow"] ? ["a third of the rate"] : [],
  ].join(", ");

function droppedOf({ loss, level }: ImbalanceSetting): string {
  const [found] = Object.entries(level);
  if (!found) return "none";
  const [side, share] = found;
  return loss === "dpo"
    ? `${percent(share)} of pairs`
    : `${percent(share)} of ${SIDES[side as Side]}`;
}

function endsTable({ settings }: Summary): Table {
  return tableOf(settings, {
    caption: "At the end of training: medians over runs",
    columns: {
      ...columnsBy(({ of }, setting) => of(setting)),
      "ill-formed": (setting) => percent(middle(endsOf(setting, "illFormed"))),
    },
  });
}

function optimaTable({ settings }: Summary): Table {
  return tableOf(settings.filter((each) => !isCopy(each)), {
    caption:
      "The policy that each loss itself would choose with endless answers: medians over draws",
    columns: columnsBy(({ atOptimum }, { optima }) => optima.map(atOptimum)),
  });
}

function columnsBy(
  valuesOf: (measure: Measure, setting: ImbalanceSetting) => number[],
): Record<string, (setting: ImbalanceSetting) => string> {
  const columns = [WINS, REWARD, DISTANCE, NET].map((measure) =>
    [
      measure.column,
      (setting: ImbalanceSetting) =>
        measure.show(middle(valuesOf(measure, setting))),
    ] as const
  );
  return {
    method: methodOf,
    dropped: droppedOf,
    ...Object.fromEntries(columns),
  };
}

/** Endless pairs are as many when some are dropped, whatever the rate is. */
const isCopy = ({ loss, level }: ImbalanceSetting) =>
  "slow" in level || loss === "dpo" && Object.keys(level).length > 0;
