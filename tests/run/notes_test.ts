import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { Diagnostics } from "lib/train/diagnostics.ts";
import { displacementWarning, headline } from "lib/run/notes.ts";

const DISPLACED: Diagnostics = {
  on: "evaluation",
  examples: 16,
  chosenChange: -6.4351,
  rejectedChange: -97.34,
  marginChange: 90.905,
  klStart: 51.9,
  displaced: true,
  lengths: { chosen: 28, rejected: 27 },
  lengthCorrelation: null,
};

Deno.test("a run that lost its chosen completions says so in a line", () => {
  strictEqual(
    displacementWarning({ summary: { diagnostics: DISPLACED } }),
    "likelihood displacement: the margin grew by 90.9 nats, but chosen completions lost 6.44 (means of 16 evaluation examples)",
  );
});

Deno.test("a run that did not says nothing", () => {
  const diagnostics = { ...DISPLACED, displaced: false };
  strictEqual(displacementWarning({ summary: { diagnostics } }), null);
  strictEqual(displacementWarning({ summary: {} }), null);
});

Deno.test("a progress line has an accuracy where the margin is beyond rounding", () => {
  const metrics = {
    step: 1,
    loss: 0.7,
    gradNorm: 2,
    "rewards/accuracies": 0.4,
  };
  const lengths = { "lengths/chosen": 20, "lengths/rejected": 30 };
  const namesAt = (margin: number) =>
    Object.keys(
      headline({ ...metrics, ...lengths, "rewards/margins": margin }, 0.1),
    );
  // 0.1 · 10⁻⁴ · (21 + 31), in rewards of β 0.1.
  for (const margin of [0, 5e-4, -5e-4]) {
    deepStrictEqual(namesAt(margin), ["loss", "gradNorm", "rewards/margins"]);
  }
  for (const margin of [6e-4, -6e-4]) {
    strictEqual(namesAt(margin).at(-1), "rewards/accuracies");
  }
});
