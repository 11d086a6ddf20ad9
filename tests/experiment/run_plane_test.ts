import { deepEqual, equal } from "node:assert/strict";
import { middleOf, RunPlane } from "lib/experiment/run_plane.ts";
import { markStyle } from "lib/plot/style.ts";

const plane = new RunPlane({ reach: 9, rewards: [-1, 4], measure: "gain" });

const SETTING = {
  ...{ loss: "dpo", options: { beta: 1 }, learningRate: 1, level: {} },
  runs: [1, 2, 3, 4].map((seed) => ({ draw: 0, seed })),
  ends: { gain: [2, null, 9, -9], kl: [4, 1, 25, 0] },
  trajectory: [],
};

Deno.test("a policy beyond the axes stands at their edge", () => {
  deepEqual(plane.at({ reward: 2, kl: 4 }), { x: 2, y: 2 });
  deepEqual(plane.at({ reward: 7, kl: 16 }), { x: 3, y: 4 });
  deepEqual(plane.at({ reward: -7, kl: 0 }), { x: 0, y: -1 });
});

Deno.test("a cloud has the runs with both measures, and the medians of each", () => {
  deepEqual(middleOf(SETTING, "gain"), { reward: 2, kl: 2.5 });
  deepEqual(plane.cloud(SETTING), {
    name: "dpo β 1",
    runs: [{ x: 2, y: 2 }, { x: 3, y: 4 }, { x: 0, y: -1 }],
    middle: { x: Math.sqrt(2.5), y: 2 },
  });
});

Deno.test("a frontier ends within the plane", () => {
  const [, curve] = plane.frontier([
    { reward: 0, kl: 0 },
    { reward: 3, kl: 9 },
    { reward: 4, kl: 16 },
  ]);
  deepEqual([curve!.x, curve!.y], [[0, 3], [0, 3]]);
});

Deno.test("marks are named: lines at their ends, optima at themselves", () => {
  const style = markStyle();
  const marks = [
    plane.path([SETTING], { name: "way", style }),
    plane.optimum({ reward: 1, kl: 1 }, { name: "goal", style }),
  ];
  const { annotations } = plane.names(marks);
  deepEqual(annotations.map(({ text, x, y }) => ({ text, x, y })), [
    { text: "way", x: Math.sqrt(2.5), y: 2 },
    { text: "goal", x: 1, y: 1 },
  ]);
  equal(marks[0]!.data.length, 2);
  equal(marks[1]!.data[0]!.marker!.symbol, "diamond-open");
});
