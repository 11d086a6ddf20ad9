import type { Panel } from "./figure.ts";
import { endLabels, labelMargin } from "./labels.ts";
import { rounded, subscripted } from "./page.ts";
import { INK } from "./style.ts";

/** One layer of all bars. */
export interface Layer {
  readonly name: string;
  readonly color: string;
  /** The layer's part of each bar, as a share. */
  readonly shares: readonly number[];
}

/**
 * Bars of layers that lie on one another, with the percentages in them and the
 * names of the layers beside the last one.
 *
 * @param axis title of the y axis, in percent.
 */
export function stackedBars(
  names: readonly string[],
  layers: readonly Layer[],
  { axis }: { axis: string },
): Pick<Panel, "data" | "layout"> {
  const labels = layerNames(layers);
  return {
    data: layers.map(({ name, color, shares }) => ({
      type: "bar",
      name,
      x: names.map(subscripted),
      y: shares.map((share) => rounded(100 * share)),
      // A layer that is thinner than its text has none.
      text: shares.map((share) =>
        share < 0.07 ? "" : `${Math.round(100 * share)} %`
      ),
      textposition: "inside",
      insidetextanchor: "middle",
      constraintext: "none",
      marker: { color, line: { width: 0 } },
      hovertemplate: `${name}: %{y:.1f} %<extra></extra>`,
    })),
    layout: {
      barmode: "stack",
      showlegend: false,
      xaxis: { tickangle: 0 },
      yaxis: { title: { text: axis }, range: [0, 100] },
      annotations: labels.map((label) => ({ ...label, xref: "paper", x: 1 })),
      margin: { r: labelMargin(layers.map(({ name }) => ({ text: name }))) },
    },
  };
}

/** The names of layers, each in the middle of its part of the last bar. */
function layerNames(layers: readonly Layer[]) {
  const ends = layers.map(({ name, shares }, i) => {
    const below = layers.slice(0, i).map((layer) => layer.shares.at(-1)!);
    const bottom = below.reduce((sum, share) => sum + share, 0);
    const y = 100 * (bottom + shares.at(-1)! / 2);
    return { text: name, x: 0, y, color: INK };
  });
  return endLabels(ends, { range: [0, 100] });
}
