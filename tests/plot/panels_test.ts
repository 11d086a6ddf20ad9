import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { ScatterTrace } from "lib/plot/figure.ts";
import { forestPanel } from "lib/plot/forest.ts";
import {
  frontier,
  isoLines,
  runClouds,
  shareKey,
  ways,
} from "lib/plot/reward_plane.ts";
import { stackedBars } from "lib/plot/stacked_bars.ts";
import { markStyle } from "lib/plot/style.ts";
import { ternaryPanel } from "lib/plot/ternary.ts";

const CURVE = [{ x: 0, y: 0 }, { x: 1, y: 2 }, { x: 2, y: 3 }];
const pointsOf = ({ x, y }: ScatterTrace) => x.map((at, i) => [at, y[i]]);

Deno.test("the region above a frontier ends with the frontier", () => {
  const [region, line] = frontier(CURVE, { name: "best", top: 4 });
  deepStrictEqual(pointsOf(line!), [[0, 0], [1, 2], [2, 3]]);
  deepStrictEqual(pointsOf(region!), [[0, 0], [1, 2], [2, 3], [2, 4], [0, 4]]);
  strictEqual(region!.fill, "toself");
});

Deno.test("an iso-line has its share of the curve, and says it at its end", () => {
  const { data, annotations } = isoLines(CURVE, {
    shares: [0.75, 0.5],
    of: "attainable",
  });
  deepStrictEqual(annotations[1]?.text, "50 %");
  deepStrictEqual(pointsOf(data[0]!), [[0, 0], [1, 1.5], [2, 2.25]]);
  const [{ x, y, text } = {}] = annotations;
  deepStrictEqual([x, y, text], [2, 2.25, "75 % of attainable"]);
});

Deno.test("every run has a dot, and every setting a mark in the middle", () => {
  const clouds = [
    { name: "β 1", runs: CURVE, middle: CURVE[1]! },
    { name: "β 3", runs: [CURVE[2]!], middle: CURVE[2]! },
  ];
  const { line, marker } = markStyle();
  const [dots, middles] = runClouds(clouds, { name: "dpo", line, marker });
  strictEqual(dots.x.length, 4);
  deepStrictEqual(dots.text, ["β 1", "β 1", "β 1", "β 3"]);
  deepStrictEqual(pointsOf(middles), [[1, 2], [2, 3]]);
  strictEqual(middles.mode, "lines+markers");
  const [, alone] = runClouds(clouds, { name: "dpo", marker });
  strictEqual(alone.mode, "markers");
});

Deno.test("an arrow leads from the optimum to the run, coloured by the share", () => {
  const [from, to] = CURVE;
  const all = [0, 0.25, 0.5, 1].map((share) => ({
    ...{ name: "β 1", share },
    ...{ from: from!, to: to! },
  }));
  const { data: [hollow], annotations } = ways(all, markStyle());
  deepStrictEqual(pointsOf(hollow!)[0], [0, 0]);
  strictEqual(hollow!.marker?.symbol, "diamond-open");
  const { ax, ay, x, y } = annotations[0]!;
  deepStrictEqual([ax, ay, x, y], [0, 0, 1, 2]);
  const colors = annotations.map(({ arrowcolor }) => arrowcolor);
  strictEqual(new Set(colors).size, 3);
  const scale = [[0, colors[0]], [1, colors[2]]];
  deepStrictEqual({ colorscale: [], ...shareKey("").marker }.colorscale, scale);
});

Deno.test("corners and the centre of the simplex are those of the triangle", () => {
  const { data, small } = ternaryPanel({
    title: "dpo",
    corners: ["y_l", "y_w", "other"],
    paths: [{
      ...{ name: "dpo", color: "#123456" },
      points: [[1 / 3, 1 / 3, 1 / 3], [1, 0, 0], [0, 1, 0], [0, 0, 1]],
    }],
  });
  const [path, ends] = data.slice(-2) as ScatterTrace[];
  const [centre, ...corners] = pointsOf(path!);
  const height = 0.86603;
  deepStrictEqual(corners, [[0, 0], [1, 0], [0.5, height]]);
  const [x, y] = centre!;
  ok(Math.abs(x as number - 0.5) < 1e-4);
  ok(Math.abs(y as number - height / 3) < 1e-4);
  deepStrictEqual(pointsOf(ends!), [centre, corners[2]]);
  deepStrictEqual(ends!.marker?.color, ["#FFFFFF", "#123456"]);
  strictEqual(small, true);
});

Deno.test("the name of a way through the simplex stands beside its end", () => {
  const { layout } = ternaryPanel({
    title: "dpo",
    corners: ["y_l", "y_w", "other"],
    paths: [{
      ...{ name: "dpo", color: "#123456" },
      points: [[1, 0, 0], [0, 1, 0]],
      label: { text: "here", side: "right" },
    }],
  });
  const { text, x, y, xanchor } = layout.annotations!.at(-1)!;
  deepStrictEqual([text, x, y, xanchor], ["here", 1, 0, "left"]);
  strictEqual(layout.annotations!.length, 4);
});

Deno.test("a forest plot has a row for each difference, with its verdict in words", () => {
  const differences = [
    { estimate: 0.3, low: 0.1, high: 0.6, verdict: "shown" },
    { estimate: -1, low: -3, high: 2, verdict: "not testable" },
  ] as const;
  const { data, layout } = forestPanel({
    ...{ title: "t", axis: "reward", delta: 0.1 },
    differences: differences.map((each) => ({
      ...{ name: "KTO − DPO", values: [each.low, each.high] },
      ...each,
    })),
  });
  const [units, , first, second] = data as ScatterTrace[];
  deepStrictEqual(units!.x, [0.1, 0.6]);
  deepStrictEqual([first!.x, first!.y], [[0.3], [0]]);
  const { array, arrayminus } = { array: [], ...second!.error_x } as {
    array: number[];
    arrayminus: number[];
  };
  deepStrictEqual([array, arrayminus], [[3], [2]]);
  const words = layout.yaxis?.ticktext?.map((text) =>
    text.replace(/<[^>]*>/g, "|")
  );
  deepStrictEqual(words, [
    "KTO − DPO|||shown||",
    "KTO − DPO|||not testable||",
  ]);
  const band = layout.shapes?.[0];
  deepStrictEqual([band?.x0, band?.x1], [-0.1, 0.1]);
});

Deno.test("a dense forest plot has names and signs in a line, and aims within its axis", () => {
  const { data, layout, height } = forestPanel({
    ...{ title: "t", axis: "reward", delta: 0.1, dense: true, range: [-2, 1] },
    differences: [-9, 0.5, 3].map((aim) => ({
      ...{ name: "kto", estimate: 0.3, low: 0.1, high: 0.6, aim },
      ...{ verdict: "shown", words: "▲" },
    })),
  });
  const aims = data.slice(3, 6).map(({ x, y, marker }) => [
    ...[x[0], y[0], marker?.symbol],
  ]);
  deepStrictEqual(aims, [
    [-2, 0, "triangle-left-open"],
    [0.5, 1, "diamond-open"],
    [1, 2, "triangle-right-open"],
  ]);
  deepStrictEqual(layout.xaxis?.range, [-2, 1]);
  match(layout.yaxis!.ticktext![0]!, /^kto <span .*>▲</);
  ok(height! < 3 * 3 + 6);
});

Deno.test("layers of bars say their percentages where there is room, and their names", () => {
  const { data: [layer], layout } = stackedBars(["DPO", "KTO"], [
    { name: "data", color: "#123456", shares: [0.404, 0.01] },
    { name: "rest", color: "#654321", shares: [0.596, 0.99] },
  ], { axis: "%" });
  deepStrictEqual(layer!.y, [40.4, 1]);
  deepStrictEqual(layer!.text, ["40 %", ""]);
  const [data, rest] = layout.annotations!;
  deepStrictEqual([data!.text, rest!.text, rest!.y], ["data", "rest", 50.5]);
});
