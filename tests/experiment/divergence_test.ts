import { ok } from "node:assert/strict";
import { createDivergence } from "lib/experiment/divergence.ts";
import { logitsAfter } from "../models/logits_after.ts";
import { randomDecoder, SMALL } from "../models/random_decoder.ts";

const ROWS = [
  { prompt: [1, 5], completions: [[3, 9, 2], [4], [7, 7, 7, 2]] },
  { prompt: [8, 0, 3], completions: [[10, 2]] },
];

/** Probabilities of what follows a text, from a pass over it alone. */
async function probabilities(
  decoder: ReturnType<typeof randomDecoder>,
  text: readonly number[],
): Promise<number[]> {
  const weights = (await logitsAfter(decoder, text)).map(Math.exp);
  const total = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / total);
}

Deno.test("the divergence of each token is Σ p log p/q of what could follow", async () => {
  const [policy, reference] = [
    randomDecoder(SMALL, 1),
    randomDecoder(SMALL, 2),
  ];
  const divergence = await createDivergence(policy.policy, {
    reference: reference.policy.initial,
    device: "cpu",
  });
  const found = await divergence.tokenKl(ROWS, policy.parameters);
  const itself = await divergence.tokenKl(ROWS, reference.parameters);
  await divergence.release();
  for (const [r, { prompt, completions }] of ROWS.entries()) {
    for (const [k, completion] of completions.entries()) {
      ok(found[r]![k]!.length === completion.length);
      for (const i of completion.keys()) {
        const text = [...prompt, ...completion.slice(0, i)];
        const p = await probabilities(policy, text);
        const q = await probabilities(reference, text);
        const expected = p.reduce(
          (sum, x, id) => sum + x * Math.log(x / q[id]!),
          0,
        );
        const kl = found[r]![k]![i]!;
        ok(expected > 0.1);
        ok(Math.abs(kl - expected) < 1e-4 * expected, `${kl}, not ${expected}`);
        ok(Math.abs(itself[r]![k]![i]!) < 1e-6);
      }
    }
  }
});
