import type { Trace } from "./figure.ts";
import { rounded } from "./page.ts";

/** One layer of all bars. */
export interface Layer {
  readonly name: string;
  readonly color: string;
  /** The layer's part of each bar, as a share. */
  readonly shares: readonly number[];
}

/**
 * Bars of layers that lie on one another, with the percentages in them, for a
 * layout with the `barmode` "stack".
 */
export function stackedBars(
  names: readonly string[],
  layers: readonly Layer[],
): Trace[] {
  return layers.map(({ name, color, shares }) => ({
    type: "bar",
    name,
    x: [...names],
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
  }));
}
