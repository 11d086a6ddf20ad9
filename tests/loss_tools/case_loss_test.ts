import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { caseLoss } from "lib/loss_tools/case_loss.ts";
import { caseBlock } from "./case_block.ts";

function meant(each: Record<string, unknown>) {
  const { cases: [wanted], beta } = caseBlock([each]);
  return caseLoss(wanted!, beta);
}

const MEANT: readonly [Record<string, unknown>, string][] = [
  [{ name: "dpo" }, "dpo"],
  [{ name: "any", trlLossType: "kto" }, "kto"],
  [{ name: "cdpo", trlLossType: "sigmoid" }, "dpo"],
  [{ name: "cpo", trlLossType: "sigmoid" }, "cpo"],
  [{ name: "cpo-hinge", trlLossType: "hinge" }, "cpo"],
  [{ name: "hinge", trlLossType: "hinge" }, "hinge"],
  [{ name: "orpo-odds-ratio-term" }, "orpo"],
  [{ name: "orpo-ratio" }, "orpo-ratio"],
  [{ name: "simpo", trlLossType: "no-such-type" }, "simpo"],
  [{ name: "simpo", trlLossType: "simpo", options: { alpha: 1 } }, "alphapo"],
];

for (const [each, id] of MEANT) {
  Deno.test(`the case ${JSON.stringify(each)} means ${id}`, () => {
    strictEqual(meant(each).loss.id, id);
  });
}

Deno.test("options are found under other trainers' names", () => {
  const { options } = meant({
    name: "simpo",
    options: { simpo_gamma: 0.75, cpo_alpha: 2, label_smoothing: 0.25 },
  });
  const { beta, gamma, nllWeight, labelSmoothing } = options;
  deepStrictEqual(
    [beta, gamma, nllWeight, labelSmoothing],
    [0.5, 0.75, 2, 0.25],
  );
});

Deno.test("variants are found as other trainers write them", () => {
  const { loss, options } = meant({
    name: "f",
    trlLossType: "sigmoid",
    options: {
      f: "alpha_divergence",
      fp: { alpha_divergence_coef: 0.25 },
    },
  });
  strictEqual(loss.id, "f-dpo");
  deepStrictEqual(options, { beta: 0.5, divergence: "alpha", alpha: 0.25 });
});

Deno.test("a variant is found in the type, or else in the name", () => {
  for (const type of [{ trlLossType: "hinge" }, {}]) {
    strictEqual(
      meant({ name: "cpo-hinge", ...type }).options["form"],
      "hinge",
    );
  }
  strictEqual(meant({ name: "cpo" }).options["form"], "sigmoid");
});

Deno.test("β goes to the option that another trainer calls so, and NLL is left out", () => {
  const { lambda, nllWeight } = meant({ name: "orpo" }).options;
  deepStrictEqual([lambda, nllWeight], [0.5, 0]);
});

Deno.test("averaged log-probabilities are a choice of IPO", () => {
  const reductions = [true, false].map((averaged) =>
    meant({ name: "ipo", averaged }).options["reduction"]
  );
  deepStrictEqual(reductions, ["mean", "sum"]);
});

Deno.test("TRL's type selects the variant of a loss that has it", () => {
  const { options } = meant({ name: "cpo", trlLossType: "hinge" });
  strictEqual(options["form"], "hinge");
});

const UNKNOWN: readonly [string, Record<string, unknown>, RegExp][] = [
  [
    "that names no loss",
    { name: "dop" },
    /^Cannot evaluate .*block 1, case "dop": expected its name to hold one of .*dpo/,
  ],
  [
    "with options that no loss has",
    { name: "dpo", trlLossType: "kto", options: { tau: 1 } },
    /case "dpo": no loss has the options tau, expected those of one of kto/,
  ],
  [
    "with an option out of bounds",
    { name: "dpo", options: { label_smoothing: 0.7 } },
    /case "dpo": Option "labelSmoothing" .* is 0.7, expected .*below 0.5/,
  ],
];

for (const [what, each, message] of UNKNOWN) {
  Deno.test(`a case ${what} is refused`, () => {
    throws(() => meant(each), { message });
  });
}
