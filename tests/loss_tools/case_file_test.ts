import { deepStrictEqual, rejects, throws } from "node:assert/strict";
import { join } from "node:path";
import { parseCases, readCases } from "lib/loss_tools/case_file.ts";
import { caseBlock, INPUTS } from "./case_block.ts";
import { temporaryFolder } from "../temporary_folder.ts";

Deno.test("options of a case lie flat, and what is no option is set apart", () => {
  const { cases: [found] } = caseBlock([{
    name: "f-alpha",
    options: {
      f: "alpha_divergence",
      fp: { alpha_divergence_coef: 0.5 },
      tau: null,
      note: "as in the paper",
      kl: 0.25,
      klLogRatios: [0.5, 0],
    },
  }]);
  deepStrictEqual(found!.options, {
    f: "alpha_divergence",
    alpha_divergence_coef: 0.5,
  });
  deepStrictEqual(found!.klLogRatios, [0.5, 0]);
});

Deno.test("losses and gradients in a file are ignored", () => {
  const { cases: [found] } = caseBlock([
    { name: "dpo", losses: "any", gradChosen: [null], source: "kept" },
  ]);
  deepStrictEqual(found!.rest, { name: "dpo", source: "kept" });
});

Deno.test("readCases() names a file that it cannot read", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "cases.json");
  await rejects(readCases(path), { message: /^Cannot read .*cases\.json: / });
  Deno.writeTextFileSync(path, "{");
  await rejects(readCases(path), { message: /^Cannot read .*json: .*JSON/ });
});

const named = (rest: Record<string, unknown>) => ({ name: "dpo", ...rest });
const block = (rest: Record<string, unknown>) => ({
  blocks: [{ beta: 1, inputs: INPUTS, cases: [named({})], ...rest }],
});

const UNREADABLE: readonly [string, unknown, RegExp][] = [
  ["no blocks", {}, /cases.json, blocks: found nothing, expected a list/],
  ["no β", block({ beta: "1" }), /block 1, beta: found 1, expected a number$/],
  [
    "text among numbers",
    block({ inputs: { ...INPUTS, chosen: [-1, "x"] } }),
    /block 1, inputs.chosen\[1\]: found x, expected a number$/,
  ],
  [
    "lists of different lengths",
    block({ inputs: { ...INPUTS, refRejected: [-1] } }),
    /inputs.refRejected: found 1 numbers, expected 2 as of chosen$/,
  ],
  [
    "a completion without a token",
    block({ inputs: { ...INPUTS, rejectedLength: [2, 0] } }),
    /inputs.rejectedLength\[1\]: found 0, expected a whole number above 0$/,
  ],
  ["a case without a name", block({ cases: [{}] }), /block 1, case 1, name: /],
  [
    "a name that is there twice",
    block({ cases: [named({}), named({})] }),
    /block 1, case "dpo": found it twice, expected names that differ$/,
  ],
  [
    "an option that is a list",
    block({ cases: [named({ options: { a: [1] } })] }),
    /case "dpo", options.a: found \[1\], expected a number, a text, true/,
  ],
  [
    "a type that is no text",
    block({ cases: [named({ trlLossType: 3 })] }),
    /case "dpo", trlLossType: found 3, expected a text$/,
  ],
];

for (const [what, value, message] of UNREADABLE) {
  Deno.test(`a file of cases with ${what} is refused`, () => {
    throws(() => parseCases(value, "cases.json"), { message });
  });
}
