import { methodStyle, rounded } from "lib/experiment/figure_parts.ts";
import type { Panel, ScatterTrace } from "lib/plot/figure.ts";
import { labelledLines } from "lib/plot/labels.ts";
import { MUTED, PAPER, textColor } from "lib/plot/style.ts";
import { quantile } from "lib/stats/interval.ts";
import { AWAY } from "./settings.ts";
import type { NoiseMethod, NoiseSetting, Summary } from "./summary.ts";

type Words = NonNullable<Panel["layout"]["annotations"]>;

/** The rewards that all panels of methods show. */
const REWARDS = [-0.5, 4] as const;

const FLIPPED = {
  title: { text: "labels flipped" },
  tickformat: ".0%",
  dtick: 0.2,
  tickangle: 0,
};

/** DPO with label smoothing goes by a name of its own. */
export function shownName({ name }: Pick<NoiseMethod, "name">): string {
  return isCautious(name) ? name.replace("dpo", "cDPO") : name;
}

function isCautious(name: string): boolean {
  return name.startsWith("dpo") && name.includes("ε");
}

/** Relatives share a colour; cDPO has a dash of its own. */
function styleOf({ name, loss }: NoiseMethod) {
  const style = methodStyle(loss);
  return isCautious(name)
    ? { ...style, line: { ...style.line, dash: "dot" as const } }
    : style;
}

/** A method's exact optima, its runs and their medians by flipped labels. */
export function methodPanel(method: NoiseMethod, { methods }: Summary): Panel {
  const known = told(method, methods);
  return {
    title: shownName(method),
    small: true,
    data: [
      ...known.data,
      runTrace(method, { isAway: false }),
      runTrace(method, { isAway: true }),
      medianTrace(method),
      optimumTrace(method),
    ],
    layout: {
      showlegend: false,
      xaxis: { ...FLIPPED, range: [-0.04, 0.44] },
      yaxis: { title: { text: "gold reward" }, range: [...REWARDS], dtick: 1 },
      annotations: [...known.annotations, ...words(method)],
      margin: { l: 44, r: 6 },
    },
  };
}

/** Reward of the policy that the loss itself would choose. */
function optimumTrace(method: NoiseMethod): ScatterTrace {
  const { line: { color } } = styleOf(method);
  return {
    type: "scatter",
    mode: "lines+markers",
    name: "optimum",
    x: method.byFlip.map(({ flip }) => flip),
    y: method.byFlip.map(({ optimum }) => optimum && rounded(optimum.reward)),
    line: { color, width: 1, dash: "dot" },
    marker: {
      ...{ symbol: "diamond", size: 9, color: PAPER, opacity: 1 },
      line: { color, width: 1.75 },
    },
  };
}

function medianTrace(method: NoiseMethod): ScatterTrace {
  return {
    type: "scatter",
    mode: "lines",
    name: "median run",
    x: method.byFlip.map(({ flip }) => flip),
    y: method.byFlip.map(({ ends }) => {
      const reward = medianOf(ends["goldReward"]!);
      return reward === null ? null : rounded(reward);
    }),
    line: { color: styleOf(method).line.color, width: 2.5 },
  };
}

/** The median of the values that there are; `null` where there is none. */
export function medianOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : quantile(known, 0.5);
}

/** The runs that stay, or those that left. */
function runTrace(
  method: NoiseMethod,
  { isAway }: { isAway: boolean },
): ScatterTrace {
  const runs = method.byFlip.flatMap(({ flip, ends }) =>
    ends["goldReward"]!.flatMap((reward, i) => {
      const kl = ends["kl"]![i] ?? Infinity;
      if (reward === null || kl > AWAY !== isAway) return [];
      const [low, high] = REWARDS;
      const y = rounded(Math.min(high, Math.max(low, reward)));
      return [{
        x: flip,
        y,
        text: `${rounded(reward)} at ${rounded(kl)} nats`,
      }];
    })
  );
  const { marker } = styleOf(method);
  return {
    type: "scatter",
    mode: "markers",
    name: isAway ? "runs that left" : "runs",
    x: runs.map(({ x }) => x),
    y: runs.map(({ y }) => y),
    text: runs.map(({ text }) => text),
    hoverinfo: "text",
    marker: isAway
      ? { color: marker.color, symbol: "x-thin-open", size: 8 }
      : { ...marker, size: 5, opacity: 0.5 },
    cliponaxis: false,
  };
}

/**
 * Robust DPO told the true share of flips: its mean over them is DPO's loss on
 * the true labels, and so is its optimum, whatever the share.
 */
function told({ loss }: NoiseMethod, methods: readonly NoiseMethod[]) {
  const dpo = methods.find(({ name }) => name === "dpo β 1");
  const reward = dpo?.byFlip.find(({ flip }) => flip === 0)?.optimum?.reward;
  if (loss !== "robust" || !dpo || reward === undefined) {
    return { data: [], annotations: [] };
  }
  const line: ScatterTrace = {
    type: "scatter",
    mode: "lines",
    name: "optimum, told the true share",
    x: dpo.byFlip.map(({ flip }) => flip),
    y: dpo.byFlip.map(() => rounded(reward)),
    line: { color: MUTED, width: 1, dash: "dot" },
  };
  const text = "told the share";
  return {
    data: [line],
    annotations: [word(text, { x: 0.44, y: 3, color: MUTED })],
  };
}

/** Names of the marks, once each, beside the first that has room. */
function words(method: NoiseMethod): Words {
  const color = textColor(styleOf(method).line.color);
  if (method.loss === "kto") {
    return [word(`× beyond ${AWAY} nats`, { x: 0.44, y: 2.9, color })];
  }
  if (method.name !== "dpo β 1") return [];
  const reward = method.byFlip[0]?.optimum?.reward ?? 0;
  return [
    { ...word("optimum", { x: 0.03, y: reward, color }), xanchor: "left" },
    { ...word("runs", { x: 0, y: 0.4, color }), xanchor: "left" },
  ];
}

function word(
  text: string,
  { x, y, color }: { x: number; y: number; color: string },
): Words[number] {
  return {
    ...{ x, y, text, showarrow: false, font: { color, size: 12 } },
    ...{ xanchor: "right", yanchor: "bottom" },
  };
}

/** A line for each method, with its name at the end. */
export function linePanel(
  methods: readonly NoiseMethod[],
  { title, axis, note, small = false, of }: {
    title: string;
    axis: Panel["layout"]["yaxis"];
    note?: string;
    small?: boolean;
    of: (setting: NoiseSetting) => number | null;
  },
): Panel {
  const lines = methods.map((method): ScatterTrace => ({
    type: "scatter",
    mode: "lines+markers",
    name: small ? shownName(method).split(" ")[0]! : shownName(method),
    x: method.byFlip.map(({ flip }) => flip),
    y: method.byFlip.map((setting) => {
      const value = of(setting);
      return value === null ? null : rounded(value);
    }),
    ...styleOf(method),
  }));
  const labels = labelledLines(lines, {
    fromZero: true,
    ...(small ? { lineHeight: 0.12 } : {}),
  });
  return {
    title,
    ...(note === undefined ? {} : { note }),
    ...(small ? { small } : {}),
    data: lines,
    layout: {
      ...labels,
      xaxis: FLIPPED,
      yaxis: { rangemode: "tozero", ...axis },
      margin: { ...labels.margin, ...(small ? { l: 44 } : {}) },
    },
  };
}
