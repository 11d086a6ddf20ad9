import { deepStrictEqual, ok } from "node:assert/strict";
import type { TokenRow } from "lib/data/example.ts";
import { openTensors } from "lib/models/open_model.ts";
import { writeModelFolder } from "lib/models/model_folder.ts";
import { writeOnnxFolder } from "lib/models/export/onnx_folder.ts";
import { ForwardPass } from "lib/train/forward_pass.ts";
import { openPolicy } from "lib/run/models.ts";
import { OnnxDecoder } from "./onnx_decoder.ts";

/** Checks what a model's ONNX continues a batch of prompts with, likeliest first. */
export async function checkOnnxGreedy(
  folder: string,
  greedy: readonly Record<"prompt" | "ids", readonly number[]>[],
): Promise<void> {
  const { tensors } = await openTensors(folder);
  const out = `${folder}/exported`;
  await writeOnnxFolder(out, { from: folder, tensors });
  await using decoder = await OnnxDecoder.load(`${out}/onnx/model.onnx`);
  deepStrictEqual(
    await decoder.continue(
      greedy.map(({ prompt }) => prompt),
      greedy[0]!.ids.length,
    ),
    greedy.map(({ ids }) => ids),
  );
}

/** Checks log-probabilities under a model and an adapter that are merged. */
export async function checkMerged(
  folder: string,
  { adapter, rows }: { adapter: string; rows: readonly TokenRow[] },
  expected: readonly number[],
): Promise<void> {
  const { tensors } = await openTensors(folder, { adapter });
  const model = `${folder}/merged`;
  await writeModelFolder(model, { from: folder, tensors });
  const { policy } = await openPolicy(model);
  const forward = new ForwardPass({ policy });
  const scores = await forward.logProbs(rows, { parameters: {} });
  await forward.release();
  for (const [i, found] of scores.flat().entries()) {
    ok(
      Math.abs(found - expected[i]!) <= 1e-4,
      `log π of ${i} is ${found}, expected ${expected[i]}`,
    );
  }
}
