import { notStrictEqual, strictEqual } from "node:assert/strict";
import { findLoss } from "lib/losses/registry.ts";
import { loraPolicy, type Policy } from "lib/models/policy.ts";
import { openWeights } from "lib/models/weights/weights.ts";
import {
  ForwardPass,
  type ForwardPassOptions,
  headChunks,
} from "lib/train/forward_pass.ts";
import { assertClose } from "../assert_close.ts";
import { randomDecoder, SMALL } from "../models/random_decoder.ts";
import { randomLora } from "../models/random_lora.ts";
import { randomExamples } from "../random_examples.ts";
import { withTrainer } from "./random_trainer.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const DPO = findLoss("dpo");
const ROWS = randomExamples(DPO, 9);

async function withForwardPass<T>(
  options: ForwardPassOptions,
  use: (forward: ForwardPass) => Promise<T>,
): Promise<T> {
  const forward = new ForwardPass(options);
  try {
    return await use(forward);
  } finally {
    await forward.release();
  }
}

const hashOf = (policy: Policy) =>
  withForwardPass({ policy }, (forward) => forward.hash());

Deno.test("score() gives what a trainer of the same policy finds, whatever fits at once", async () => {
  const { policy, parameters } = randomDecoder();
  const expected = await withTrainer(
    { loss: DPO, policy },
    (trainer) => trainer.logProbs(ROWS),
  );
  for (const microTokens of [1, 40, 1000]) {
    const done: number[] = [];
    const found = await withForwardPass(
      { policy, microTokens },
      (forward) =>
        forward.logProbs(ROWS, {
          parameters,
          onRows: (rows) => done.push(rows),
        }),
    );
    assertClose(found.flat(), expected.flat());
    strictEqual(done.at(-1), ROWS.length);
    strictEqual(done.length === 1, microTokens === 1000);
  }
});

Deno.test("hash() tells apart what is computed, and stays the same otherwise", async () => {
  using folder = temporaryFolder();
  const { lora } = await randomLora(folder.path);
  const weights = await openWeights(folder.path);
  const hashes = [
    { policy: randomDecoder().policy },
    { policy: randomDecoder({ ...SMALL, normEpsilon: 1e-6 }).policy },
    { policy: loraPolicy(SMALL, weights, lora) },
    { policy: loraPolicy(SMALL, weights, { ...lora, alpha: 4 }) },
  ].map(({ policy }) => hashOf(policy));
  strictEqual(new Set(await Promise.all(hashes)).size, hashes.length);
  const again = randomDecoder(SMALL, 1);
  strictEqual(await hashOf(again.policy), await hashes[0]);
  notStrictEqual(await hashes[0], await hashes[2]);
});

Deno.test("headChunks() bounds the bytes of logits", () => {
  strictEqual(headChunks({ vocabSize: 512 }, 1024), 1);
  strictEqual(headChunks({ vocabSize: 49_152 }, 1024), 3);
});
