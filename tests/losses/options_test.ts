import { deepStrictEqual, throws } from "node:assert/strict";
import { dpo } from "lib/losses/dpo.ts";
import { kto } from "lib/losses/kto.ts";
import { ktoPairwise } from "lib/losses/kto_pairwise.ts";
import type { Loss } from "lib/losses/loss.ts";
import { type LossOptionValue, resolveOptions } from "lib/losses/options.ts";
import { orpoRatio } from "lib/losses/orpo_ratio.ts";

Deno.test("resolveOptions() fills in what is not given", () => {
  deepStrictEqual(resolveOptions(dpo), {
    beta: 0.1,
    labelSmoothing: 0,
    referenceFree: false,
  });
  deepStrictEqual(resolveOptions(orpoRatio), {});
});

Deno.test("resolveOptions() keeps what is given, but not undefined", () => {
  deepStrictEqual(
    resolveOptions(dpo, {
      beta: 2,
      labelSmoothing: undefined,
      referenceFree: true,
    }),
    { beta: 2, labelSmoothing: 0, referenceFree: true },
  );
  deepStrictEqual(resolveOptions(ktoPairwise, { score: "mean" }), {
    beta: 0.1,
    score: "mean",
  });
});

Deno.test("resolveOptions() takes an undefined option of another loss", () => {
  deepStrictEqual(resolveOptions(orpoRatio, { beta: undefined }), {});
});

const REFUSED: [Loss, Record<string, LossOptionValue>, string][] = [
  [
    dpo,
    { lambda: 1 },
    'Loss "dpo" has no option "lambda"; its options: beta, labelSmoothing, referenceFree',
  ],
  [
    orpoRatio,
    { beta: 1 },
    'Loss "orpo-ratio" has no option "beta"; its options: none',
  ],
  [
    dpo,
    { toString: 1 },
    'Loss "dpo" has no option "toString"; its options: beta, labelSmoothing, referenceFree',
  ],
  ...[0, -1, NaN, Infinity].map((
    beta,
  ): [Loss, Record<string, LossOptionValue>, string] => [
    dpo,
    { beta },
    `Option "beta" of loss "dpo" is ${beta}, expected a number above 0`,
  ]),
  [
    dpo,
    { beta: "0.1" },
    'Option "beta" of loss "dpo" is 0.1, expected a number above 0',
  ],
  [
    dpo,
    { labelSmoothing: 0.5 },
    'Option "labelSmoothing" of loss "dpo" is 0.5, expected a number of at least 0 and below 0.5',
  ],
  [
    kto,
    { desirableWeight: -1 },
    'Option "desirableWeight" of loss "kto" is -1, expected a number of at least 0',
  ],
  [
    kto,
    { klPairing: "last" },
    'Option "klPairing" of loss "kto" is last, expected next, previous or other-prompt',
  ],
  [
    dpo,
    { referenceFree: 1 },
    'Option "referenceFree" of loss "dpo" is 1, expected true or false',
  ],
];

for (const [loss, given, message] of REFUSED) {
  Deno.test(`resolveOptions() refuses ${Deno.inspect(given)} for ${loss.id}`, () => {
    throws(() => resolveOptions(loss, given), { name: "RangeError", message });
  });
}
