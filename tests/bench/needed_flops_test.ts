import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { neededFlops, visiblePairs } from "lib/bench/needed_flops.ts";
import { decoderOf } from "lib/bench/random_policy.ts";
import { linearParameters, parameterNames } from "lib/models/parameters.ts";
import { loraParameters } from "lib/models/policy.ts";

const row = { prompt: [1, 2, 3], completions: [[4, 5], [6]] };

Deno.test("a query sees the prompt and its own completion", () => {
  // Prompt 1 + 2 + 3; completions 4 + 5, and 4.
  strictEqual(visiblePairs(row), 6 + 9 + 4);
});

/** One head of 64 for queries, keys and values; MLP of 192; 10 tokens. */
const config = decoderOf({ hidden: 64, layers: 2, vocabulary: 10 });
const [square, wide] = [64 * 64, 3 * 64 * 192];
const attention = 12 * 64;
/** Queries at 2, then 3 and 4 tokens: those that predict a scored one. */
const predicting = (3 + 4) + 3;

Deno.test("adapters need no gradient of weights, nor of the embedding", () => {
  const targets = linearParameters(config).map(({ name }) => name);
  const trained = loraParameters(config, { rank: 2, alpha: 2, targets });
  deepStrictEqual(neededFlops({ config, trained }, [row]), {
    // First layer: six tokens, q, k and v forward alone. Last layer: keys and
    // values of six tokens, all else of the three scored ones.
    trunk: 2 * (6 * (3 * square + 2 * (square + wide)) +
      2 * (6 * 2 * square + 3 * (2 * square + wide))),
    adapters: adapterFlops(),
    head: 2 * 2 * 3 * 10 * 64,
    attention: attention * (19 + predicting),
  });
});

/** Rank 2: x Aᵀ, its Bᵀ, dB, d(x Aᵀ), dA, and dx where it is needed. */
function adapterFlops(): number {
  const [inputs, outputs] = [64, 64];
  const whole = 3 * outputs + 3 * inputs;
  const mlp = 3 * 3 * (64 + 192);
  const first = 6 * (3 * (whole - inputs) + whole + mlp);
  const last = 6 * 2 * whole + 3 * (2 * whole + mlp);
  return 2 * 2 * (first + last);
}

Deno.test("full training needs gradients of all weights and of the embedding", () => {
  const trained = parameterNames(config);
  const { trunk, adapters, head } = neededFlops({ config, trained }, [row]);
  const last = 6 * 2 * square + 3 * (2 * square + wide);
  strictEqual(trunk, 2 * 3 * (6 * (4 * square + wide) + last));
  strictEqual(adapters, 0);
  strictEqual(head, 2 * 3 * 3 * 10 * 64);
});
