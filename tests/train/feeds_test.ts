import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { Example } from "lib/data/example.ts";
import { treeBatch } from "lib/data/tree_batch.ts";
import { lossTerms } from "lib/losses/terms.ts";
import { findLoss, LOSSES } from "lib/losses/registry.ts";
import { variants } from "lib/loss_tools/check.ts";
import { Graph } from "lib/onnx/graph/graph.ts";
import type { Numbers } from "lib/onnx/graph/input_table.ts";
import { declaredInputs } from "lib/onnx/inputs.ts";
import { batchTotals } from "lib/train/examples.ts";
import {
  batchInputs,
  INPUTS,
  lossInputs,
  type MicroBatch,
} from "lib/train/feeds.ts";
import { buildObjective } from "lib/train/objective.ts";
import { randomDecoder } from "../models/random_decoder.ts";
import { UNLIKE_LLAMA } from "../models/unlike_llama.ts";
import { randomExamples } from "../random_examples.ts";

const DPO = findLoss("dpo");
const KTO = findLoss("kto");

const pairs = randomExamples(DPO, 9);
const singles = randomExamples(KTO, 9);
/** Rows of 2, 1, 3 and 2 completions. */
const mixed: Example[] = [2, 1, 3, 2].map((count, i) => ({
  prompt: new Array(i + 1).fill(i),
  completions: Array.from(
    { length: count },
    (_, k) => new Array(k).fill(10 + i),
  ),
}));

/** Examples as a micro-batch that is the whole optimizer batch. */
function batchOf(
  examples: readonly Example[],
  rest: Partial<MicroBatch> = {},
): MicroBatch {
  return {
    tree: treeBatch(examples, { scorePrompts: true }),
    rows: examples,
    examples,
    totals: batchTotals(examples),
    start: 0,
    draw: 0,
    reference: null,
    lossOptions: {},
    statistics: {},
    ...rest,
  };
}

/** The counts of a batch that losses divide by. */
function totalsOf(examples: readonly Example[]): Numbers[] {
  const batch = batchOf(examples);
  const { examples: count, completionTokens, promptTokens } = INPUTS;
  return [count, completionTokens, promptTokens]
    .map((input) => input.fill(batch));
}

const list = (numbers: Numbers) =>
  typeof numbers === "number"
    ? [numbers]
    : "data" in numbers
    ? Array.from(numbers.data)
    : [...numbers];

Deno.test("totals count what a loss may divide by", () => {
  const rows = [
    { prompt: [1, 2, 3], completions: [[4, 5], [6, 7, 8]] },
    {
      prompt: [1],
      completions: [[4, 5, 6, 7, 8]],
      lossMask: [[true, true, false, true, true]],
    },
  ];
  deepStrictEqual(totalsOf(rows), [2, 6, 2]);
});

Deno.test("totals count an example as often as it weighs", () => {
  const rows = [
    { prompt: [1, 2, 3], completions: [[4, 5]], weight: 0.5 },
    { prompt: [1, 2], completions: [[4, 5, 6, 7]], weight: 3 },
    { prompt: [1], completions: [[4]] },
    { prompt: [1, 2], completions: [[4]], label: false, weight: 2 },
  ];
  deepStrictEqual(totalsOf(rows), [6.5, 14, 6]);
});

Deno.test("the numbers among a loss's options are fed, and nothing else of them", () => {
  const lossOptions = { beta: 0.5, klPairing: "next", desirableWeight: 2 };
  const table = batchInputs(KTO);
  const own = Object.keys(table).filter((name) => !Object.hasOwn(INPUTS, name));
  deepStrictEqual(own, [
    "option.beta",
    "option.desirableWeight",
    "option.undesirableWeight",
    "statistic.referencePoint",
  ]);
  strictEqual(
    table["option.beta"]!.fill(batchOf(singles, { lossOptions })),
    0.5,
  );
});

Deno.test("a micro-batch is fed its own part of a statistic's list", () => {
  const { "statistic.partner": partner } = batchInputs(findLoss("aot"));
  const rest = { start: 2, statistics: { partner: [...pairs.keys()] } };
  deepStrictEqual(
    partner!.fill(batchOf(pairs.slice(2, 5), rest)),
    [2, 3, 4],
  );
});

for (const [name, examples] of Object.entries({ pairs, singles, mixed })) {
  Deno.test(`inputs find the sequences of a tree batch: ${name}`, () => {
    const rows = examples.map(({ prompt, completions }) => ({
      prompt,
      completions,
    }));
    const { lengths } = treeBatch(rows, { scorePrompts: true });
    const batch = batchOf(rows);
    const [firsts, seconds, prompts] = [
      INPUTS.firstCompletions,
      INPUTS.secondCompletions,
      INPUTS.promptSequences,
    ].map((input) => list(input.fill(batch)));
    // By brute force: every sequence's row and place in it, in tree order.
    const all = rows.flatMap(({ completions }, row) =>
      completions.map((_, place) => ({ row, place }))
    );
    for (const row of rows.keys()) {
      deepStrictEqual(all[firsts![row]!], { row, place: 0 });
      strictEqual(
        lengths[prompts![row]!],
        rows[row]!.prompt.length - 1,
      );
      if (rows[row]!.completions.length > 1) {
        deepStrictEqual(all[seconds![row]!], { row, place: 1 });
      }
    }
    deepStrictEqual(
      prompts,
      [...rows.keys()].map((row) => all.length + row),
    );
  });
}

Deno.test("desirable completions are marked; the chosen of pairs are", () => {
  const marks = (examples: Example[]) =>
    list(INPUTS.desirable.fill(batchOf(examples)));
  deepStrictEqual(marks(pairs), pairs.map(() => 1));
  deepStrictEqual(marks(singles), singles.map(({ label }) => label ? 1 : 0));
  strictEqual(new Set(marks(singles)).size, 2);
});

Deno.test("lists of uneven length are filled up with their first completion", () => {
  const batch = batchOf(mixed);
  deepStrictEqual(INPUTS.rankedCompletions.fill(batch), {
    data: [0, 1, 0, 2, 2, 2, 3, 4, 5, 6, 7, 6],
    shape: [4, 3],
  });
  deepStrictEqual(INPUTS.rankMask.fill(batch), {
    data: [1, 1, 0, 1, 0, 0, 1, 1, 1, 1, 1, 0],
    shape: [4, 3],
  });
  deepStrictEqual(INPUTS.ranks.fill(batch), [0, 1, 2]);
});

Deno.test("prompts and the padding have 0 for their reference, the padding for its length", () => {
  const rows = [
    { prompt: [1, 2, 3], completions: [[4, 5, 6], [7]] },
    { prompt: [1], completions: [[8, 9]] },
  ];
  const tokens = [[[-1, -2, -3], [-4]], [[-5, -6]]];
  const reference = {
    logProbs: (row: object) =>
      tokens[rows.findIndex((each) => each === row)]!
        .map((list) => list.reduce((a, b) => a + b)),
    tokenLogProbs: (row: object) =>
      tokens[rows.findIndex((each) => each === row)]!,
  };
  const batch = batchOf(rows, { reference });
  const { lengths, refLogProbs, tokenRefLogProbs, tokenPositions } = INPUTS;
  deepStrictEqual(lengths.fill(batch), [3, 1, 2, 2, 0, 0]);
  deepStrictEqual(refLogProbs.fill(batch), [-6, -4, -11, 0, 0, 0]);
  deepStrictEqual(refLogProbs.fill(batchOf(rows)), new Array(6).fill(0));
  deepStrictEqual(
    tokenRefLogProbs.fill(batch),
    [-1, -2, -3, -4, -5, -6, 0, 0],
  );
  deepStrictEqual(INPUTS.zeros.fill(batch), new Array(6).fill(0));
  deepStrictEqual(tokenPositions.fill(batch), [0, 1, 2, 0, 0, 1, 0, 1]);
  deepStrictEqual(INPUTS.tokenExamples.fill(batch), [0, 0, 0, 0, 1, 1, 0, 0]);
});

Deno.test("every input of the table is read by a decoder or a loss", () => {
  const decoders = UNLIKE_LLAMA.map(([, config]) => randomDecoder(config));
  const unread = new Set(Object.keys(INPUTS));
  const strike = (graph: Graph) =>
    Object.entries(declaredInputs(graph, INPUTS))
      .forEach(([name, isRead]) => isRead && unread.delete(name));
  for (const { policy } of decoders) {
    const lossOptions = variants(DPO)[0]!;
    const { loss } = buildObjective(policy, DPO, {
      lossOptions,
      chunks: 1,
      isScaled: true,
    });
    strike(loss.graph);
  }
  for (const loss of LOSSES) {
    for (const lossOptions of variants(loss)) {
      const graph = new Graph();
      const [logProbs, tokens] = ["Q", "S"].map((dim) =>
        graph.input(`policy.${dim}`, [dim])
      );
      const policy = {
        logProbs: logProbs!,
        tokenLogProbs: tokens!,
        collisions: tokens!,
      };
      lossTerms(loss, lossOptions, lossInputs(graph, loss, policy));
      strike(graph);
    }
  }
  deepStrictEqual([...unread], []);
});
