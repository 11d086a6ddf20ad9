import type { LayoutAxis } from "plotly.js";
import { rounded } from "./page.ts";

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

/**
 * A scale that is linear near 0 and logarithmic beyond, for values of which one
 * series would flatten the others: sign(x) log₁₀(1 + |x|/linear).
 */
export function symlogScale(
  values: readonly number[],
  { linear = 1 }: { linear?: number } = {},
): Scale {
  const position = (value: number) =>
    Math.sign(value) * Math.log10(1 + Math.abs(value) / linear);
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  const sizes = [0, 1, 2, 3].flatMap((power) =>
    [1, 3].map((digit) => rounded(digit * linear * 10 ** power))
  );
  const ticks = [...sizes.map((size) => -size).reverse(), 0, ...sizes]
    .filter((tick) => tick >= 1.5 * low && tick <= 1.5 * high);
  return {
    position,
    axis: (title) => ({
      title: { text: title },
      tickvals: ticks.map(position),
      ticktext: ticks.map((tick) => `${tick}`.replace("-", "−")),
    }),
  };
}
