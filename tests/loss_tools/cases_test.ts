import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { existsSync } from "node:fs";
import { readCases } from "lib/loss_tools/case_file.ts";
import { blockJson, evaluateBlock } from "lib/loss_tools/cases.ts";
import { Rng } from "lib/rng.ts";
import { assertClose } from "../assert_close.ts";
import { shared } from "../places.ts";
import { caseBlock, INPUTS } from "./case_block.ts";

const GOLDEN = shared("golden/losses.json");

type Fields = Readonly<Record<string, unknown>>;

const isVector = (name: string) => /^(losses|grad)/.test(name);

Deno.test({
  name: "every loss and gradient of TRL is ours (needs ../shared/golden)",
  ignore: !existsSync(GOLDEN),
  fn: async () => {
    const expected: { blocks: { cases: Fields[] }[] } = JSON.parse(
      Deno.readTextFileSync(GOLDEN),
    );
    let compared = 0;
    for (const [i, block] of (await readCases(GOLDEN)).entries()) {
      const { cases } = expected.blocks[i]!;
      const found = await evaluateBlock(block);
      deepStrictEqual(
        found.map(({ name }) => name),
        cases.map(({ name }) => String(name)),
      );
      for (const [k, { name, vectors }] of found.entries()) {
        deepStrictEqual(
          Object.keys(vectors).sort(),
          Object.keys(cases[k]!).filter(isVector).sort(),
        );
        for (const [vector, numbers] of Object.entries(vectors)) {
          const what = `${vector} of ${name} in block ${i + 1}`;
          const wanted = cases[k]![vector] as number[];
          assertClose(numbers, wanted, { tolerance: 1e-5, what });
          compared++;
        }
      }
    }
    ok(compared >= 3 * 27 * 3, `compared ${compared} vectors`);
  },
});

async function evaluate(
  cases: readonly Record<string, unknown>[],
  rest: Record<string, unknown> = {},
) {
  return await evaluateBlock(caseBlock(cases, rest));
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

Deno.test("a case that names a loss by its id alone means that loss", async () => {
  const [found] = await evaluate([{ name: "dpo" }]);
  strictEqual(found!.loss.id, "dpo");
  const z = [-1.5, 0.5].map((delta) => 0.5 * delta);
  assertClose(found!.vectors["losses"]!, z.map((x) => -Math.log(sigmoid(x))));
  assertClose(
    found!.vectors["gradChosen"]!,
    z.map((x) => -0.5 * sigmoid(-x)),
  );
  assertClose(found!.vectors["gradRejected"]!, z.map((x) => 0.5 * sigmoid(-x)));
});

Deno.test("β is the weight of ORPO's contrast, and its NLL is left out", async () => {
  const [found] = await evaluate([{
    name: "orpo",
    averageChosen: [Math.log(0.5)],
    averageRejected: [Math.log(0.25)],
  }]);
  // The odds are 1 and 1/3.
  assertClose(found!.vectors["losses"]!, [-0.5 * Math.log(0.75)]);
  deepStrictEqual(Object.keys(found!.vectors), [
    "losses",
    "gradAverageChosen",
    "gradAverageRejected",
  ]);
});

Deno.test("labelled losses take chosen inputs as desirable, z₀ from klLogRatios", async () => {
  const [found] = await evaluate([{
    name: "kto",
    options: { desirableWeight: 2, klLogRatios: [1, 3] },
  }]);
  const { lossesDesirable, lossesUndesirable } = found!.vectors;
  const values = (gains: readonly number[], weight: number) =>
    gains.map((gain) => weight * sigmoid(gain));
  assertClose(lossesDesirable!, values([-0.5, 0].map((x) => (2 - x) / 2), 2));
  assertClose(lossesUndesirable!, values([1, -0.5].map((x) => (x - 2) / 2), 1));
});

Deno.test("AOT's losses are by rank, its gradients by example", async () => {
  const [found] = await evaluate([{ name: "aot" }]);
  // Margins are −1 and −3, those of the reference 0.5 and −3.5.
  const z = [0.5, -1.5].map((excess) => 0.5 * excess);
  const { losses, gradChosen } = found!.vectors;
  assertClose(losses!, z.map((x) => -Math.log(sigmoid(x))));
  assertClose(gradChosen!, z.map((x) => -0.5 * sigmoid(-x)).reverse());
});

Deno.test("BCO's shift is of the examples, not of mismatched completions", async () => {
  const [without, given] = await evaluate([
    { name: "bco-unpaired" },
    { name: "bco-unpaired again", options: { klLogRatios: [5, 7] } },
  ]);
  deepStrictEqual(given!.vectors, without!.vectors);
});

Deno.test("a file comes back as it was, its numbers replaced by ours", async () => {
  const rng = new Rng(5);
  const numbers = (low: number) =>
    Array.from({ length: 8 }, () => low * rng.uniform());
  const lengths = numbers(20).map((x) => 1 + Math.floor(x));
  const inputs = {
    ...{ chosen: numbers(-60), rejected: numbers(-60) },
    ...{ refChosen: numbers(-60), refRejected: numbers(-60) },
    ...{ chosenLength: lengths, rejectedLength: lengths },
  };
  const dpo = { name: "dpo", options: { label_smoothing: 0.1 } };
  const sft = { name: "sft", about: "kept" };
  const old = { losses: [1], gradChosen: "none" };
  const block = caseBlock([{ ...dpo, ...old }, sft], { seed: 7, inputs });
  const evaluated = await evaluateBlock(block);
  const { cases, ...rest } = blockJson(block, evaluated);
  deepStrictEqual(rest, { beta: 0.5, inputs, seed: 7 });
  const [first, second] = evaluated;
  deepStrictEqual(cases, [
    { ...dpo, loss: "dpo", settings: first!.options, ...first!.vectors },
    { ...sft, loss: "sft", settings: second!.options, ...second!.vectors },
  ]);
  strictEqual(first!.options["labelSmoothing"], 0.1);
  strictEqual(first!.vectors["losses"]!.length, 8);
  deepStrictEqual(Object.keys(second!.vectors), ["losses", "gradChosen"]);
});

const LACKING: readonly [string, Record<string, unknown>, RegExp][] = [
  [
    "of KTO without mismatched completions",
    { name: "kto" },
    /case "kto": loss "kto" needs options.klLogRatios/,
  ],
  [
    "of averages for a loss of log-ratios",
    { name: "dpo", averageChosen: [-1], averageRejected: [-1] },
    /case "dpo": loss "dpo" needs a reference/,
  ],
];

for (const [what, each, message] of LACKING) {
  Deno.test(`a case ${what} is refused`, async () => {
    await rejects(evaluate([each]), { message });
  });
}

Deno.test("a case that comes to no finite number is refused", async () => {
  const inputs = { ...INPUTS, chosen: [-3, -3e38], refChosen: [-3, 3e38] };
  await rejects(evaluate([{ name: "dpo" }], { inputs }), {
    message: /case "dpo": losses\[1\] is (Infinity|NaN), expected a finite/,
  });
});
