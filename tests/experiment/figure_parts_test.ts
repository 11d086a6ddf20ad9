import { deepEqual, equal, ok } from "node:assert/strict";
import {
  curvePanel,
  endsOf,
  endTable,
  lossesOf,
  nameOf,
  runsText,
  spreadText,
} from "lib/experiment/figure_parts.ts";

const METHOD = { loss: "dpo", options: { beta: 0.1 }, learningRate: 4e-4 };
const SETTING = {
  ...METHOD,
  level: {},
  runs: [1, 2, 3].map((seed) => ({ draw: 0, seed })),
  ends: { kl: [1, 2, 6], gain: [3, null, 5] },
  trajectory: [
    { step: 0, medians: { kl: 0 } },
    { step: 9, medians: { kl: 2, gain: 3 } },
  ],
};

Deno.test("settings are called by their loss, options and level", () => {
  equal(nameOf(SETTING), "dpo β 0.1");
  equal(
    nameOf({ ...SETTING, loss: "orpo", options: { lambda: 0.1 } }),
    "orpo λ 0.1",
  );
  equal(nameOf({ ...SETTING, options: { gamma: 0.1 } }), "dpo gamma 0.1");
  equal(nameOf({ ...SETTING, level: { flip: 0.2 } }), "dpo β 0.1 flip 0.2");
  equal(nameOf({ ...SETTING, loss: "sft", options: {} }), "sft");
});

Deno.test("losses are listed once, in the order of the settings", () => {
  const settings = ["sft", "dpo", "sft", "kto"].map((loss) => ({ loss }));
  deepEqual(lossesOf(settings), ["sft", "dpo", "kto"]);
});

Deno.test("a curve has the steps at which its measure is known", () => {
  const curve = { measure: "gain", title: "Gain", axis: "nats" };
  const { title, data: [trace] } = curvePanel([SETTING], curve);
  equal(title, "Gain");
  deepEqual([trace!.x, trace!.y], [[9], [3]]);
});

Deno.test("the ends of a measure are those of the runs that have it", () => {
  deepEqual(endsOf(SETTING, "gain"), [3, 5]);
  deepEqual(endsOf(SETTING, "other"), []);
});

Deno.test("the spread of runs is their median, smallest and largest; one run has none", () => {
  equal(spreadText([6, 1, 2]), "2.00 (1.00 to 6.00)");
  equal(spreadText([4]), "4.00");
  equal(spreadText([]), null);
});

Deno.test("a single draw is said to cover no other", () => {
  const one = runsText({ draws: [0], seeds: [1, 2] });
  equal(
    one,
    "One draw of the reference model and 2 seeds: nothing here covers other draws, and no verdict follows.",
  );
  const many = runsText({ draws: [0, 1], seeds: [1] });
  ok(many.includes("2 draws of the reference model × 1 seed"), many);
});

Deno.test("the table of ends has a row for each setting", () => {
  const { columns, rows } = endTable([SETTING], { kl: "KL", gain: "Gain" });
  deepEqual(columns, ["method", "learning rate", "KL", "Gain"]);
  deepEqual(rows, [
    ["dpo β 0.1", "4e-4", "2.00 (1.00 to 6.00)", "4.00 (3.00 to 5.00)"],
  ]);
});
