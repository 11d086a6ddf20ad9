import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { ScatterTrace } from "lib/plot/figure.ts";
import {
  endLabels,
  labelledLines,
  labelMargin,
  spread,
} from "lib/plot/labels.ts";

/** The smallest sum of squares among a grid of positions that are a gap apart. */
function best(wanted: readonly number[], gap: number): number {
  const grid = Array.from({ length: 81 }, (_, i) => (i - 40) / 10);
  const search = (i: number, from: number): number =>
    i === wanted.length ? 0 : Math.min(
      ...grid.filter((at) => at >= from - 1e-9).map((at) =>
        (at - wanted[i]!) ** 2 + search(i + 1, at + gap)
      ),
    );
  return search(0, -Infinity);
}

Deno.test("spread() moves positions apart with the smallest sum of squares", () => {
  for (const wanted of [[0, 0, 0], [-1, 0, 0.1], [0, 0.2, 2], [0, 5, 5]]) {
    const found = spread(wanted, 1);
    found.slice(1).forEach((at, i) => ok(at - found[i]! >= 1 - 1e-9));
    const cost = found.reduce((sum, at, i) => sum + (at - wanted[i]!) ** 2, 0);
    ok(cost <= best(wanted, 1) + 1e-9, `${wanted}: ${found}`);
  }
});

Deno.test("spread() leaves positions that are far apart", () => {
  deepStrictEqual(spread([0, 3, 9], 1), [0, 3, 9]);
  deepStrictEqual(spread([], 1), []);
});

Deno.test("names stand beside the ends of their lines, in readable colours", () => {
  const end = { text: "π_ref", x: 3, y: 1, color: "#E69F00" };
  const [label] = endLabels([end], { range: [0, 2] });
  deepStrictEqual([label?.x, label?.y, label?.xanchor], [3, 1, "left"]);
  strictEqual(label?.text, "π<sub>ref</sub>");
  strictEqual(label?.font?.color, "#946600");
});

Deno.test("names are moved apart only where they could meet", () => {
  const ends = [0, 0.1, 5].map((x) => ({ text: "a", x, y: 1, color: "#000" }));
  const [first, second, far] = endLabels(ends, { range: [0, 1], reach: 1 });
  ok(Math.abs(first!.y as number - (second!.y as number)) > 0.05);
  strictEqual(far!.y, 1);
  const [low, high] = endLabels(ends, { range: [0, 1], lineHeight: 0.2 });
  ok(Math.abs(high!.y as number - (low!.y as number)) > 0.19);
});

Deno.test("the margin is as wide as the longest name", () => {
  strictEqual(labelMargin([]), 14);
  strictEqual(labelMargin([{ text: "ab" }, { text: "a" }]), 27);
});

Deno.test("lines are named where they were last known, between their bars", () => {
  const lines = [0, 0.1].map((start): ScatterTrace => ({
    ...{ type: "scatter", name: `from ${start}` },
    x: [0, 1, 2],
    y: [start, 1 + start, null],
    line: { color: "#123456" },
    error_y: { type: "data", array: [0, 9, 0], arrayminus: [10, 0, 0] },
  }));
  const { annotations, showlegend } = labelledLines(lines);
  const [low, high] = annotations!.map(({ y }) => Number(y));
  deepStrictEqual(annotations!.map(({ xref }) => xref), ["paper", "paper"]);
  ok(Math.abs((low! + high!) / 2 - 1.05) < 1e-9);
  // A line of text for each, on an axis from −10 to 10.1.
  ok(Math.abs(high! - low! - 0.055 * 20.1) < 1e-9);
  strictEqual(showlegend, false);
  const fromZero = lines.map(({ error_y: _, ...line }) => ({
    ...line,
    y: [9, 10],
  }));
  const [one, two] = labelledLines(fromZero, { fromZero: true }).annotations!;
  ok(Math.abs(Number(two!.y) - Number(one!.y) - 0.55) < 1e-9);
  deepStrictEqual(labelledLines([{ ...lines[0]!, y: [null] }]).annotations, []);
});
