import { strictEqual } from "node:assert/strict";
import type { Diagnostics } from "lib/train/diagnostics.ts";
import { displacementWarning } from "../../../scripts/train/display.ts";

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
    displacementWarning(DISPLACED),
    "likelihood displacement: the margin grew by 90.9 nats, but chosen completions lost 6.44 (means of 16 evaluation examples)",
  );
});

Deno.test("a run that did not says nothing", () => {
  strictEqual(displacementWarning({ ...DISPLACED, displaced: false }), null);
});
