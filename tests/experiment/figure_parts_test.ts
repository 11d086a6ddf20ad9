import { deepEqual, equal } from "node:assert/strict";
import {
  curvePanel,
  endTable,
  errorBar,
  nameOf,
  seedsText,
} from "lib/experiment/figure_parts.ts";
import { meanInterval } from "lib/stats/interval.ts";

const METHOD = { loss: "dpo", option: "beta", value: 0.1, learningRate: 4e-4 };
const SETTING = {
  ...METHOD,
  seeds: [1, 2],
  trajectory: [
    { step: 0, measures: { kl: meanInterval([0, 0]) } },
    {
      step: 9,
      measures: { kl: meanInterval([1, 2]), gain: meanInterval([3]) },
    },
  ],
};

Deno.test("settings are called by their loss and their value", () => {
  equal(nameOf(SETTING), "dpo β 0.1");
  equal(nameOf({ ...SETTING, loss: "orpo", option: "lambda" }), "orpo λ 0.1");
  const rate = { ...SETTING, option: "learningRate", value: 8e-4 };
  equal(nameOf(rate), "dpo rate 8e-4");
  equal(nameOf({ ...SETTING, option: "gamma" }), "dpo gamma 0.1");
  equal(nameOf({ ...SETTING, loss: "sft", option: null }), "sft");
});

Deno.test("a curve has the steps at which its measure is known", () => {
  const curve = { measure: "gain", title: "Gain", axis: "nats" };
  const { title, data: [trace] } = curvePanel([SETTING], curve);
  equal(title, "Gain");
  deepEqual([trace!.x, trace!.y], [[9], [3]]);
});

Deno.test("error bars reach from the mean to both ends, on the axis's scale", () => {
  const bars = errorBar(
    [{ n: 2, mean: 4, low: 1, high: 9 }, meanInterval([4])],
    { color: "#123456", scale: Math.sqrt },
  );
  deepEqual({ ...bars }, {
    ...{ type: "data", symmetric: false, thickness: 1, width: 3 },
    ...{ array: [1, 0], arrayminus: [1, 0], color: "#12345666" },
  });
});

Deno.test("points of one seed have no bars, and are not called means", () => {
  const bars = errorBar([meanInterval([4])], { color: "#123456" });
  equal(bars.visible, false);
  equal(seedsText(1), "One seed, so there are no intervals.");
  equal(seedsText(2), "Means over 2 seeds with 95 % intervals.");
});

Deno.test("the table of ends has half of each interval, if there is one", () => {
  const { columns, rows } = endTable([SETTING], {
    kl: ({ trajectory }) => trajectory[1]!.measures["kl"]!,
    gain: ({ trajectory }) => trajectory[1]!.measures["gain"]!,
  });
  deepEqual(columns, ["method", "learning rate", "kl", "gain"]);
  // t(0.975, 1) = 12.706, and the standard error is 1/2.
  deepEqual(rows, [["dpo β 0.1", "4e-4", "1.50 ± 6.35", "3.00"]]);
});
