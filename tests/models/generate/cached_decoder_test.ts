import { treeBatch } from "lib/data/tree_batch.ts";
import {
  cachedDecoder,
  newTokenFeeds,
} from "lib/models/generate/cached_decoder.ts";
import { nextLogits } from "lib/models/decoder/decoder.ts";
import type { DecoderConfig } from "lib/models/config.ts";
import { KeyValueCache } from "lib/models/generate/key_value_cache.ts";
import { Graph } from "lib/onnx/graph/graph.ts";
import type { Program } from "lib/onnx/program.ts";
import { compile } from "lib/onnx/session.ts";
import { hostData } from "lib/onnx/tensors.ts";
import { assertClose } from "../../assert_close.ts";
import { ARCHITECTURES } from "../architecture_fixtures.ts";
import { configOf } from "../config_of.ts";
import { randomDecoder } from "../random_decoder.ts";
import { UNLIKE_LLAMA } from "../unlike_llama.ts";
import { streamFeeds, streamInputs } from "lib/train/feeds.ts";

type Decoder = ReturnType<typeof randomDecoder>;

const TEXTS = [[1, 5, 3, 9, 9, 4, 7, 0], [8, 2, 6], [3, 3, 10, 1, 4, 5]];

/** Logits after each whole text, without a cache. */
async function recomputed(
  { config, policy, parameters }: Decoder,
  texts: readonly number[][],
): Promise<number[]> {
  const graph = new Graph();
  const inputs = streamInputs(graph);
  const logits = nextLogits(config, policy.parameters(graph), inputs);
  const program = await compile({ logits });
  const rows = texts.map((prompt) => ({ prompt, completions: [] }));
  const feeds = streamFeeds(treeBatch(rows));
  let end = -1;
  const ends = Int32Array.from(texts, ({ length }) => end += length);
  const predictFrom = { data: ends, shape: [ends.length] };
  const result = await program.run({ ...parameters, ...feeds, predictFrom });
  await program.release();
  return [...hostData(result["logits"])];
}

async function compiled({ config, policy }: Decoder): Promise<Program> {
  const graph = new Graph();
  return await compile(cachedDecoder(graph, config, policy.parameters(graph)));
}

Deno.test("tokens one by one give the logits of the whole text", () =>
  checkOneByOne(randomDecoder()));

/** The configuration of every fixture that transformers made. */
const FIXTURE_CONFIGS = await Promise.all(
  [...ARCHITECTURES].map(async ([name, { config }]) =>
    [name, await configOf(config)] as const
  ),
);

for (const [name, config] of [...UNLIKE_LLAMA, ...FIXTURE_CONFIGS]) {
  Deno.test(`so they do with ${name}, whose windows are shorter`, () =>
    checkOneByOne(randomDecoder({ ...config, ...narrowed(config) })));
}

/** Windows of no more than 3 tokens. */
function narrowed({ perLayer = null }: DecoderConfig) {
  return perLayer &&
    {
      perLayer: perLayer.map(({ rope, window }) => ({
        rope,
        window: window && 3,
      })),
    };
}

async function checkOneByOne(decoder: Decoder): Promise<void> {
  const { config, parameters } = decoder;
  const program = await compiled(decoder);
  const cache = new KeyValueCache(config, { rows: 3, capacity: 12 });
  const prompts = TEXTS.map((ids) => ({ ids, position: 0 }));
  const empty = new KeyValueCache(config, { rows: 3, capacity: 0 });
  const first = await program.run({
    ...parameters,
    ...newTokenFeeds(prompts, { filled: 0 }),
    ...empty.feeds,
  });
  assertClose(hostData(first["logits"]), await recomputed(decoder, TEXTS));
  const spans = [{ start: 0, length: 8 }, { start: 8, length: 3 }];
  cache.fill(first, [...spans, { start: 11, length: 6 }]);
  let texts = TEXTS;
  for (const added of [[7, 1, 2], [0, 4, 9], [5, 5, 6]]) {
    const news = added.map((id, row) => ({
      ids: [id],
      position: texts[row]!.length,
    }));
    texts = texts.map((text, row) => [...text, added[row]!]);
    const { logits } = await program.run({
      ...parameters,
      ...newTokenFeeds(news, { filled: cache.slots }),
      ...cache.feeds,
    }, cache.nextSlot);
    cache.advance();
    assertClose(hostData(logits), await recomputed(decoder, texts));
  }
  await program.release();
}

Deno.test("several new tokens at once follow what is cached", async () => {
  const decoder = randomDecoder();
  const { config, parameters } = decoder;
  const program = await compiled(decoder);
  const cache = new KeyValueCache(config, { rows: 3, capacity: 12 });
  const heads = TEXTS.map((text) => text.slice(0, 2));
  const first = await program.run({
    ...parameters,
    ...newTokenFeeds(heads.map((ids) => ({ ids, position: 0 })), { filled: 0 }),
    ...new KeyValueCache(config, { rows: 3, capacity: 0 }).feeds,
  });
  cache.fill(first, [0, 2, 4].map((start) => ({ start, length: 2 })));
  cache.keep([0, 2]);
  const rest = [[3, 9, 9], [10, 1, 4]];
  const { logits } = await program.run({
    ...parameters,
    ...newTokenFeeds(rest.map((ids) => ({ ids, position: 2 })), { filled: 2 }),
    ...cache.feeds,
  });
  const expected = await recomputed(
    decoder,
    [TEXTS[0]!, TEXTS[2]!].map((text) => text.slice(0, 5)),
  );
  assertClose(hostData(logits), expected);
  await program.release();
});
