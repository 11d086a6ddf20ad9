import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import {
  averaged,
  curvePlots,
  extremes,
  measuredIn,
} from "lib/watch/curves.ts";

const MANY = Array.from(
  { length: 10_001 },
  (_, i) => [i + 1, i === 7777 ? 9 : i === 2222 ? -9 : i % 2] as const,
);

Deno.test("extremes() keeps the smallest and the largest, in order", () => {
  const kept = extremes(MANY);
  ok(kept.length <= 400, `${kept.length}`);
  const steps = kept.map(([step]) => step);
  deepStrictEqual(steps, steps.toSorted((a, b) => a - b));
  ok(steps.includes(7778) && steps.includes(2223));
});

Deno.test("averaged() gives means of stretches, and few points as they are", () => {
  const means = averaged(MANY);
  ok(means.length <= 200, `${means.length}`);
  strictEqual(means.at(-1)![0], 10_001);
  const inside = means.filter(([, value]) => Math.abs(value - 0.5) < 0.02);
  ok(inside.length >= means.length - 3, `${inside.length}`);
  deepStrictEqual(averaged(MANY.slice(0, 200)), MANY.slice(0, 200));
});

Deno.test("a curve of many points is drawn by its means, and by all faintly", () => {
  const rows = MANY.map(([step, loss]) => ({ step, loss }));
  const [plot] = curvePlots([{ name: "run", loss: "dpo", rows }]);
  deepStrictEqual(plot!.data.map(({ opacity }) => opacity), [0.3, undefined]);
  ok(JSON.stringify(plot).length < 20_000);
});

Deno.test("curvePlots() has a plot for each measure, the most telling first", () => {
  const rows = [
    { step: 1, epoch: 0.1, gradNorm: 2, loss: 0.7, kl: null },
    { step: 2, epoch: 0.2, gradNorm: 1, loss: 0.6, "eval/loss": 0.65 },
  ];
  const plots = curvePlots([
    { name: "<b>dpo</b>", loss: "dpo", rows },
    { name: "orpo", loss: "orpo", rows: [{ step: 4, loss: 0.5 }] },
  ]);
  deepStrictEqual(plots.map(({ title, data }) => [title, data.length]), [
    ...[["loss", 2], ["eval/loss", 1], ["kl", 0], ["gradNorm", 1]],
  ]);
  const [dpo, orpo] = plots[0]!.data;
  deepStrictEqual([dpo!.x, dpo!.y, orpo!.x], [[1, 2], [0.7, 0.6], [4]]);
  strictEqual(dpo!.name, "&lt;b&gt;dpo&lt;/b&gt;");
  ok(dpo!.line!.color !== orpo!.line!.color);
  deepStrictEqual(measuredIn(rows[0]), { loss: 0.7, gradNorm: 2 });
});
