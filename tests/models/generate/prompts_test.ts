import { deepEqual, equal } from "node:assert/strict";
import {
  type Compute,
  computePrompts,
  type Prompt,
} from "lib/models/generate/prompts.ts";
import {
  KeyValueCache,
  type Span,
} from "lib/models/generate/key_value_cache.ts";
import { hostData, type Tensors } from "lib/onnx/tensors.ts";
import { SMALL } from "../random_decoder.ts";

const CONFIG = { ...SMALL, layers: 1, kvHeads: 1, headDim: 1 };

/** Keys that are the ids themselves, and the last id of each row for logits. */
async function computed(prompts: readonly Prompt[]) {
  const runs: { rows: number[]; past: number[] }[] = [];
  const filled = new Map<Prompt, [ids: number[], before: number][]>();
  const compute: Compute = (rows, cache) => {
    runs.push({
      rows: rows.map(({ ids }) => ids.length),
      past: [...hostData(cache.feeds["keys.0"])],
    });
    const ids = rows.flatMap(({ ids }) => ids);
    const data = Float32Array.from(ids);
    const keys = { data, shape: [ids.length, 1, 1] };
    const news = { "keys.0": keys, "values.0": keys };
    return Promise.resolve({
      logits: rows.map(({ ids }) => [ids.at(-1)!]),
      news,
    });
  };
  const fill = (news: Tensors, spans: ReadonlyMap<Prompt, Span>) => {
    const stream = hostData(news["keys.0"]);
    for (const [prompt, { start, length, before = 0 }] of spans) {
      const ids = [...stream.subarray(start, start + length)];
      filled.set(prompt, [...filled.get(prompt) ?? [], [ids, before]]);
    }
    return Promise.resolve();
  };
  const logits = await computePrompts(prompts, {
    newCache: (size) => new KeyValueCache(CONFIG, size),
    compute,
    fill,
  });
  return { runs, filled, logits };
}

Deno.test("prompts that share little are computed together", async () => {
  const prompts = [[1, 2], [1, 5, 6]];
  const { runs, filled, logits } = await computed(prompts);
  deepEqual(runs, [{ rows: [2, 3], past: [] }]);
  deepEqual(prompts.map((p) => filled.get(p)), [
    [[[1, 2], 0]],
    [[[1, 5, 6], 0]],
  ]);
  deepEqual(prompts.map((p) => logits.get(p)), [[2], [6]]);
  const short = [1, 2, 3, 4, 5, 6, 7, 8].map((id) => [1, 2, 3, 4, 5, id]);
  equal((await computed(short)).runs.length, 1);
});

Deno.test("a long beginning is computed once, and each prompt goes on by equally many", async () => {
  const common = Array.from({ length: 16 }, (_, i) => i + 1);
  const prompts = [common, [...common, 17], [...common, 18, 19]];
  const { runs, filled, logits } = await computed(prompts);
  // The rows hold 1 to 14, 1 to 15 and 1 to 16, and end together.
  const past = common.flatMap((id) => [id - 2, id - 1, id])
    .map((id) => Math.max(id, 0));
  deepEqual(runs, [{ rows: [16], past: [] }, { rows: [2, 2, 2], past }]);
  for (const prompt of prompts) {
    const parts = filled.get(prompt)!;
    deepEqual(parts.flatMap(([ids]) => ids), prompt);
    deepEqual(parts.map(([, before]) => before), [2, 0]);
    deepEqual(logits.get(prompt), [prompt.at(-1)]);
  }
});

Deno.test("what would not fit memory is computed in parts, the longest first", async () => {
  const prompts = [500, 900, 1000, 3000].map((n) => new Array(n).fill(n));
  const { runs } = await computed(prompts);
  deepEqual(runs.map(({ rows }) => rows), [[3000], [900, 1000], [500]]);
  const lengths = Array.from({ length: 40 }, (_, i) => 100 + i);
  const many = lengths.map((n) => new Array(n).fill(n));
  const sizes = (await computed(many)).runs.map(({ rows }) => rows.length);
  equal(sizes.reduce((a, b) => a + b), 40);
  equal(sizes[0], 14);
});
