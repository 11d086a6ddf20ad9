import { treeBatch } from "lib/data/tree_batch.ts";
import { nextLogits } from "lib/models/decoder/decoder.ts";
import { Graph } from "lib/onnx/graph/graph.ts";
import { compile } from "lib/onnx/session.ts";
import { hostData } from "lib/onnx/tensors.ts";
import type { randomDecoder } from "./random_decoder.ts";
import { streamFeeds, streamInputs } from "lib/train/feeds.ts";

/** Logits of what follows a text, without a cache, from a pass over it alone. */
export async function logitsAfter(
  { policy, parameters }: ReturnType<typeof randomDecoder>,
  text: readonly number[],
): Promise<number[]> {
  const graph = new Graph();
  const inputs = streamInputs(graph);
  const logits = nextLogits(policy.config, policy.parameters(graph), inputs);
  const program = await compile({ logits });
  const feeds = streamFeeds(treeBatch([{ prompt: text, completions: [] }]));
  const predictFrom = { data: Int32Array.of(text.length - 1), shape: [1] };
  const result = await program.run({ ...parameters, ...feeds, predictFrom });
  await program.release();
  return [...hostData(result["logits"])];
}
