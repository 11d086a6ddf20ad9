import type { Finding } from "lib/experiment/claim.ts";
import {
  endsOf,
  endTable,
  methodStyle,
  rounded,
  runsText,
} from "lib/experiment/figure_parts.ts";
import { figureFindings } from "lib/experiment/findings.ts";
import type { Figure, Panel, ScatterTrace } from "lib/plot/figure.ts";
import { labelledLines } from "lib/plot/labels.ts";
import { quantile } from "lib/stats/interval.ts";
import type { NoiseMethod, NoiseSetting, Summary } from "./summary.ts";

/** The figure of a summary. Equal summaries give equal figures. */
export function noiseFigure(
  summary: Summary,
  findings: readonly Finding[],
): Figure {
  return {
    title: titleOf(summary),
    text: [
      "Pairs of a small decoder's own reviews are compared by a known gold reward, and a share of the labels is flipped. Lines on the left are exact: the reward of the policy that each loss itself would choose with endless pairs of such labels. On the right it is trained on as many pairs as ever.",
      runsText(summary),
    ],
    findings: figureFindings(findings),
    panels: [
      panel(summary, {
        title: "Where each loss itself wants to go",
        axis: "gold reward at the optimum",
        of: ({ optimum }) => optimum?.reward ?? null,
        dots: () => [],
      }),
      panel(summary, {
        title: "Where training gets",
        axis: "gold reward at the end",
        of: (setting) => medianOf(setting, "goldReward"),
        dots: (setting) => endsOf(setting, "goldReward"),
      }),
      panel(summary, {
        title: "Distance at the end of training",
        axis: "KL, nats",
        of: (setting) => medianOf(setting, "kl"),
        dots: () => [],
      }),
    ],
    tables: [
      endTable(summary.methods.flatMap(({ byFlip }) => byFlip), {
        goldReward: "gold reward",
        kl: "KL (nats)",
        broken: "broken",
      }),
    ],
  };
}

/** The finding, whatever the numbers are. */
function titleOf({ methods }: Summary): string {
  const fallOf = (loss: string) => {
    const flips = methods.find((method) => method.loss === loss)?.byFlip ?? [];
    const [first, last] = [flips[0]?.optimum, flips.at(-1)?.optimum];
    return first && last ? (first.reward - last.reward).toFixed(2) : "?";
  };
  return `Flipped labels take ${
    fallOf("dpo")
  } of reward from DPO's optimum and ${fallOf("kto")} from KTO's`;
}

function panel(
  { methods }: Summary,
  { title, axis, of, dots }: {
    title: string;
    axis: string;
    of: (setting: NoiseSetting) => number | null;
    dots: (setting: NoiseSetting) => readonly number[];
  },
): Panel {
  const lines = methods.map((method) => lineOf(method, of));
  const clouds = methods.map((method) => cloudOf(method, dots));
  return {
    title,
    data: [...clouds.filter(({ x }) => x.length > 0), ...lines],
    layout: {
      ...labelledLines(lines, { fromZero: true, unnamed: clouds }),
      xaxis: { title: { text: "share of flipped labels" }, tickformat: ".0%" },
      yaxis: { title: { text: axis } },
    },
  };
}

function lineOf(
  { name, loss, byFlip }: NoiseMethod,
  of: (setting: NoiseSetting) => number | null,
): ScatterTrace {
  const style = methodStyle(loss);
  const isCautious = name.startsWith("dpo") && name.includes("ε");
  return {
    type: "scatter",
    mode: "lines+markers",
    name: isCautious ? name.replace("dpo", "cDPO") : name,
    x: byFlip.map(({ flip }) => flip),
    y: byFlip.map((setting) => {
      const value = of(setting);
      return value === null ? null : rounded(value);
    }),
    ...style,
    ...isCautious ? { line: { ...style.line, dash: "dash" } } : {},
  };
}

function cloudOf(
  { loss, byFlip }: NoiseMethod,
  dots: (setting: NoiseSetting) => readonly number[],
): ScatterTrace {
  const points = byFlip.flatMap((setting) =>
    dots(setting).map((y) => ({ x: setting.flip, y: rounded(y) }))
  );
  return {
    type: "scatter",
    mode: "markers",
    showlegend: false,
    hoverinfo: "skip",
    x: points.map(({ x }) => x),
    y: points.map(({ y }) => y),
    marker: { ...methodStyle(loss).marker, size: 4, opacity: 0.5 },
  };
}

function medianOf(setting: NoiseSetting, measure: string): number | null {
  const values = endsOf(setting, measure);
  return values.length === 0 ? null : quantile(values, 0.5);
}
