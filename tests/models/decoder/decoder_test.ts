import { existsSync } from "node:fs";
import { loadTokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { treeBatch } from "lib/data/tree_batch.ts";
import type { TokenRow } from "lib/data/example.ts";
import type { DecoderConfig } from "lib/models/config.ts";
import { readConfig } from "lib/models/read_config.ts";
import { sequenceSums, targetLogProbs } from "lib/models/decoder/decoder.ts";
import { loadPolicy } from "lib/models/load_policy.ts";
import type { Lora, Policy } from "lib/models/policy.ts";
import { Graph } from "lib/onnx/graph/graph.ts";
import { compile } from "lib/onnx/session.ts";
import { hostData, type HostTensor } from "lib/onnx/tensors.ts";
import { assertClose } from "../../assert_close.ts";
import { shared } from "../../places.ts";
import { temporaryFolder } from "../../temporary_folder.ts";
import { naiveLogProbs, type Weights } from "../naive_llama.ts";
import { randomDecoder, SMALL } from "../random_decoder.ts";
import { randomLora } from "../random_lora.ts";
import { UNLIKE_LLAMA } from "../unlike_llama.ts";
import { streamFeeds, streamInputs } from "lib/train/feeds.ts";

const STORIES = shared("models/stories260K");

/** Rows of different lengths; pairs, a list, a lone and an empty continuation. */
const ROWS: TokenRow[] = [
  { prompt: [1, 5, 3], completions: [[9, 4, 2], [9, 0, 7, 7, 10, 2]] },
  { prompt: [8], completions: [[6]] },
  { prompt: [1, 4, 4, 0, 2, 6, 5], completions: [[3, 2], [], [3, 3], [8]] },
];

type Score = (
  rows: readonly TokenRow[],
  scorePrompts?: boolean,
) => Promise<number[]>;

/** Calls `use` with what scores rows: log π of each sequence. */
async function withScorer(
  policy: Policy,
  use: (score: Score) => Promise<void>,
): Promise<void> {
  const graph = new Graph();
  const inputs = streamInputs(graph);
  const chunks = 2;
  const { logProbs: tokens } = targetLogProbs(
    policy.config,
    policy.parameters(graph),
    { inputs, chunks },
  );
  const logProbs = sequenceSums(tokens, inputs);
  const program = await compile({ logProbs });
  const trained = Object.fromEntries(
    policy.trained.map(({ name, shape }): [string, HostTensor] => [
      name,
      { data: policy.initial.get(name)!, shape },
    ]),
  );
  await use(async (rows, scorePrompts = false) => {
    const feeds = streamFeeds(
      treeBatch(rows, { scorePrompts, multiple: chunks }),
    );
    const output = await program.run({ ...feeds, ...trained });
    return [...hostData(output["logProbs"])].slice(0, -1);
  });
  await program.release();
}

/** The sums, with each prompt and continuation as a text of its own. */
function naiveScores(config: DecoderConfig, weights: Weights): number[] {
  const total = (ids: readonly number[], from = 0) =>
    naiveLogProbs(config, weights, ids).slice(from).reduce((a, b) => a + b, 0);
  return [
    ...ROWS.flatMap(({ prompt, completions }) =>
      completions.map((ids) => total([...prompt, ...ids], prompt.length - 1))
    ),
    ...ROWS.map(({ prompt }) => total(prompt)),
  ];
}

const CONFIGS: [string, DecoderConfig][] = [
  ["an untied head", SMALL],
  ["a tied head", { ...SMALL, tiedHead: true }],
  ["one key head", { ...SMALL, kvHeads: 1 }],
  ["as many key heads as query heads", { ...SMALL, kvHeads: 4 }],
  ["scaled rotary frequencies", {
    ...SMALL,
    rope: {
      theta: 100,
      scaling: {
        kind: "llama3",
        factor: 8,
        lowFrequencyFactor: 1,
        highFrequencyFactor: 4,
        originalMaxPositions: 32,
      },
    },
  }],
];

for (const [name, config] of CONFIGS) {
  Deno.test(`a tree batch has a naive Llama's log-probabilities with ${name}`, async () => {
    const { policy } = randomDecoder(config);
    await withScorer(policy, async (score) => {
      const expected = naiveScores(config, policy.initial);
      assertClose(await score(ROWS, true), expected);
    });
  });
}

for (const [name, config] of [["Llama", SMALL] as const, ...UNLIKE_LLAMA]) {
  Deno.test(`each continuation of a batch of trees scores as a text alone: ${name}`, async () => {
    await withScorer(randomDecoder(config).policy, async (score) => {
      const together = await score(ROWS);
      for (const { prompt, completions } of ROWS) {
        for (const completion of completions) {
          const alone = await score([{ prompt, completions: [completion] }]);
          assertClose(alone, together.splice(0, 1));
        }
      }
    });
  });
}

Deno.test("an adapter scores as weights with the update added", async () => {
  using folder = temporaryFolder();
  const decoder = randomDecoder();
  const { policy, lora } = await randomLora(folder.path, decoder);
  const merged = new Map(
    [...decoder.policy.initial].map((
      [name, weight],
    ) => [
      name,
      lora.targets.includes(name) ? updated(weight, name, lora) : weight,
    ]),
  );
  await withScorer(policy, async (score) => {
    const expected = naiveScores(decoder.config, merged);
    assertClose(await score(ROWS, true), expected);
  });
});

/** W + alpha / rank · B A */
function updated(weight: Float32Array, name: string, lora: Lora): number[] {
  const { rank, alpha, initial } = lora;
  const [a, b] = ["A", "B"].map((x) => initial.get(`${name}.lora_${x}`)!);
  const columns = a!.length / rank;
  return Array.from(weight, (w, at) => {
    const [i, j] = [Math.floor(at / columns), at % columns];
    const factors = Array.from(
      { length: rank },
      (_, r) => b![i * rank + r]! * a![r * columns + j]!,
    );
    return w + alpha / rank * factors.reduce((x, y) => x + y);
  });
}

Deno.test({
  name: "a pretrained model has a naive Llama's log-probabilities " +
    "(needs ../shared/models/stories260K)",
  ignore: !existsSync(STORIES),
  fn: async () => {
    const { policy } = await loadPolicy(STORIES, { kind: "full" });
    const tokenizer = await loadTokenizer(STORIES);
    const ids = tokenizer!.encode(
      "Once upon a time, there was a little girl named Lily. She loved to " +
        "play outside in the park. One day, she saw a big, red ball.",
    );
    const config = await readConfig(STORIES);
    const each = naiveLogProbs(config, policy.initial, ids);
    const expected = each.reduce((a, b) => a + b);
    await withScorer(policy, async (score) => {
      const row = { prompt: ids.slice(0, 1), completions: [ids.slice(1)] };
      assertClose(await score([row]), [expected]);
    });
  },
});
