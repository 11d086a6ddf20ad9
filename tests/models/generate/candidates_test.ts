import { deepEqual, equal } from "node:assert/strict";
import { Candidates } from "lib/models/generate/candidates.ts";

Deno.test("candidates keep their order and scores when others are dropped", () => {
  const candidates = new Candidates();
  candidates.reset([3, 1, 4, 1, 5]);
  candidates.keep((score) => score > 1);
  candidates.keep((_, i) => i !== 1);
  deepEqual([...candidates.ids], [0, 4]);
  deepEqual([...candidates.scores], [3, 5]);
});

Deno.test("all tokens are candidates again, of whatever vocabulary", () => {
  const candidates = new Candidates();
  for (const kept of [0, 1, 2, 3]) {
    for (const logits of [[1, 2, 3], [7, 8, 9], [5, 6]]) {
      candidates.reset(logits);
      deepEqual([...candidates.ids], [...logits.keys()]);
      deepEqual([...candidates.scores], logits);
      candidates.keep((_, i) => i >= 3 - kept);
    }
  }
});

Deno.test("a softmax is of the candidates that are left, and finite for any scores", () => {
  const candidates = new Candidates();
  candidates.reset([1e30, -Infinity, 1e30, 0]);
  deepEqual([...candidates.softmax().weights], [1, 0, 1, 0]);
  candidates.keep((_, i) => i > 1);
  const { weights, largest, total } = candidates.softmax();
  deepEqual([...weights], [1, 0]);
  equal(largest, 1e30);
  equal(total, 1);
});
