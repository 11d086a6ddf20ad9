import { deepStrictEqual, rejects } from "node:assert/strict";
import { checkGradient, checkLoss, variants } from "lib/loss_tools/check.ts";
import { pairLoss } from "lib/losses/loss.ts";
import { findLoss } from "lib/losses/registry.ts";
import { apply } from "lib/onnx/graph/apply.ts";
import type { Op } from "lib/onnx/graph/graph.ts";
import { detach, mul, sub } from "lib/ops/elementwise.ts";

const DECLARED = {
  id: "bent",
  title: "t",
  formula: "f",
  source: "s",
  options: {},
};

/** Twice its input, with the slope of the input alone. */
const WRONG: Op = {
  name: "Wrong",
  domain: "prefgrad",
  infer: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
  vjp: (_, [dz]) => [dz],
  lower: ([x]) => [mul(2, x)],
};

Deno.test("checkLoss() accepts losses of every kind", async () => {
  for (const id of ["sft", "dpo", "kto", "listwise-dpo"]) {
    await checkLoss(findLoss(id));
  }
});

Deno.test("checkLoss() refuses a gradient that is not the slope", () =>
  rejects(
    checkLoss(pairLoss({
      ...DECLARED,
      terms: ({ chosen }) => ({ loss: apply(WRONG, [chosen.logProb]) }),
    })),
    /^Error: The gradient of loss "bent" under \{\} is 1 where log π is -?[\d.]+, but finite differences give 2(\.0|$)|1\.99/,
  ));

Deno.test("what is detached is a constant to the check", () =>
  checkGradient(
    pairLoss({
      ...DECLARED,
      terms: ({ chosen, rejected }) => ({
        loss: mul(
          detach(chosen.logProb),
          sub(chosen.logProb, rejected.logProb),
        ),
      }),
    }),
    [{ completions: [{ logProb: -2 }, { logProb: -3 }] }],
    {},
  ));

Deno.test("variants() has every combination of choices and toggles", () => {
  const found = variants({
    options: {
      a: { kind: "toggle", help: "" },
      b: { kind: "choice", choices: ["x", "y"], default: "x", help: "" },
      c: { kind: "number", symbol: "c", default: 1, min: 1, max: 2, help: "" },
    },
  });
  deepStrictEqual(
    found.map(({ a, b }) => [a, b]),
    [[false, "x"], [false, "y"], [true, "x"], [true, "y"]],
  );
  for (const { c } of found) deepStrictEqual(c, 1.1);
});
