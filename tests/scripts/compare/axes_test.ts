import { deepEqual, equal, throws } from "node:assert/strict";
import { findLoss, LOSSES } from "lib/losses/registry.ts";
import { parseOwnSettings } from "experiments/comparison/flags.ts";
import { axisFlags, methodsOf } from "../../../scripts/compare/axes.ts";

const losses = (...names: string[]) =>
  names.map((name) => ({ loss: findLoss(name) }));
const none = { axes: {}, own: {}, learningRate: 1e-5 };

Deno.test("a list of values is an axis of every loss that has the option", () => {
  const methods = methodsOf(losses("dpo", "kto", "orpo"), {
    ...none,
    axes: { beta: [0.1, 0.3] },
  });
  deepEqual(
    methods.map(({ loss, options }) => [loss, options]),
    [
      ["dpo", { beta: 0.1 }],
      ["dpo", { beta: 0.3 }],
      ["kto", { beta: 0.1 }],
      ["kto", { beta: 0.3 }],
      ["orpo", {}],
    ],
  );
});

Deno.test("axes are combined, and a loss's own values take their place", () => {
  const own = parseOwnSettings("kto.beta=1,kto.lr=5e-6,orpo.lambda=0.1,1")!;
  const methods = methodsOf(losses("dpo", "kto", "orpo"), {
    ...{ own, learningRate: 1e-5 },
    axes: { beta: [0.1], labelSmoothing: [0, 0.2] },
  });
  deepEqual(
    methods.map(({ loss, options, learningRate }) => [
      loss,
      options,
      learningRate,
    ]),
    [
      ["dpo", { beta: 0.1, labelSmoothing: 0 }, 1e-5],
      ["dpo", { beta: 0.1, labelSmoothing: 0.2 }, 1e-5],
      ["kto", { beta: 1 }, 5e-6],
      ["orpo", { lambda: 0.1 }, 1e-5],
      ["orpo", { lambda: 1 }, 1e-5],
    ],
  );
});

Deno.test("every option of every loss reads a list of its default", () => {
  const flags = axisFlags(LOSSES, {});
  for (const { options } of LOSSES) {
    for (const [name, option] of Object.entries(options)) {
      const value = option.kind === "toggle" ? false : option.default;
      const found = flags[name]!.parse(`${value},${value}`);
      deepEqual(found, [value, value], name);
      equal(flags[name]!.parse("surely,not"), undefined, name);
    }
  }
});

Deno.test("settings of other losses, unknown ones and wrong values are refused", () => {
  const refused = (text: string, message: RegExp) =>
    throws(
      () =>
        methodsOf(losses("dpo", "orpo"), {
          ...none,
          own: parseOwnSettings(text)!,
        }),
      { name: "RangeError", message },
    );
  refused("kto.beta=1", /^Cannot set kto.beta: expected one of dpo, orpo/);
  refused(
    "orpo.beta=1",
    /^Cannot set orpo.beta: expected lr, .*lambda.* of orpo$/,
  );
  refused(
    "orpo.lambda=1,x",
    /^Cannot set orpo.lambda: found "1,x", expected values/,
  );
  refused(
    "dpo.lr=1,2",
    /^Cannot set dpo.lr: found "1,2", expected one number above 0$/,
  );
  equal(parseOwnSettings("lambda=1"), undefined);
});
