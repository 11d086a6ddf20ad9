import type { LayoutAxis } from "plotly.js";

/** An axis whose positions are not its values: the ticks say the values. */
export interface Scale {
  /** Where a value stands on the axis. */
  readonly position: (value: number) => number;
  /** The axis in the layout of a panel. */
  axis(title: string): Partial<LayoutAxis>;
}

/**
 * A root scale from 0: near 0 the reward that a KL buys grows as its root, so
 * that a frontier begins as a straight line. Ticks are squares of halves.
 */
export function rootScale(largest: number): Scale {
  const reach = Math.sqrt(largest);
  const step = reach > 6 ? 2 : reach > 3.5 ? 1 : 0.5;
  const roots = Array.from(
    { length: Math.floor(reach / step) + 1 },
    (_, i) => i * step,
  );
  const position = (value: number) => Math.sqrt(Math.max(0, value));
  return {
    position,
    axis: (title) => ({
      title: { text: title },
      range: [0, reach],
      tickvals: roots,
      ticktext: roots.map((root) => `${root * root}`),
    }),
  };
}
