import { deepEqual } from "node:assert/strict";
import { KeyValueCache } from "lib/models/generate/key_value_cache.ts";
import { hostData, type Tensor } from "lib/onnx/tensors.ts";
import { SMALL } from "../random_decoder.ts";

/** One number for each token and layer. */
const CONFIG = { ...SMALL, layers: 1, kvHeads: 1, headDim: 1 };

function news(...tokens: number[]): Record<string, Tensor> {
  const shape = [tokens.length, 1, 1];
  return {
    "keys.0": { data: Float32Array.from(tokens), shape },
    "values.0": { data: Float32Array.from(tokens, (x) => -x), shape },
  };
}

/** A cache whose three rows hold 1 2, 3, and 1 2 once more. */
function filled(): KeyValueCache {
  const cache = new KeyValueCache(CONFIG, { rows: 3, capacity: 5 });
  const long = { start: 0, length: 2 };
  cache.fill(news(1, 2, 3), [long, { start: 2, length: 1 }, long]);
  return cache;
}

/** Writes a token of each row to the next slot. */
function append(cache: KeyValueCache, ...tokens: number[]): void {
  const { "keys.0": keys, "values.0": values } = cache.nextSlot;
  deepEqual(keys!.shape, [tokens.length, 1, 1]);
  keys!.data.set(tokens);
  values!.data.set(tokens.map((x) => -x));
  cache.advance();
}

function holds(cache: KeyValueCache, slots: readonly number[][]): void {
  const { "keys.0": keys, "values.0": values } = cache.feeds;
  deepEqual(keys, {
    data: Float32Array.from(slots.flat()),
    shape: [slots.length, slots[0]!.length, 1, 1],
  });
  deepEqual(hostData(values).map((x) => -x), hostData(keys));
}

Deno.test("rows that share a prompt share its tokens, and all end together", () => {
  const cache = filled();
  holds(cache, [[1, -0, 1], [2, 3, 2]]);
});

Deno.test("a token for each row makes one slot more", () => {
  const cache = filled();
  append(cache, 4, 5, 6);
  append(cache, 7, 8, 9);
  holds(cache, [[1, -0, 1], [2, 3, 2], [4, 5, 6], [7, 8, 9]]);
});

Deno.test("rows can be dropped between tokens", () => {
  const cache = filled();
  append(cache, 4, 5, 6);
  cache.keep([0, 2]);
  holds(cache, [[1, 1], [2, 2], [4, 6]]);
  append(cache, 7, 8);
  cache.keep([1]);
  holds(cache, [[1], [2], [6], [8]]);
});
