import type { TokenRow } from "lib/data/example.ts";
import { treeBatch } from "lib/data/tree_batch.ts";
import { gradient } from "lib/grad.ts";
import type { DecoderConfig } from "lib/models/config.ts";
import { targetLogProbs } from "lib/models/decoder/decoder.ts";
import { Graph } from "lib/onnx/graph/graph.ts";
import type { Program } from "lib/onnx/program.ts";
import { compile } from "lib/onnx/session.ts";
import { hostData } from "lib/onnx/tensors.ts";
import { mul } from "lib/ops/elementwise.ts";
import { sum } from "lib/ops/shaping.ts";
import { Rng } from "lib/rng.ts";
import { streamFeeds, streamInputs } from "lib/train/feeds.ts";
import { assertClose } from "../../assert_close.ts";
import { ONE_LAYER, randomDecoder } from "../random_decoder.ts";
import { UNLIKE_LLAMA } from "../unlike_llama.ts";

/** log π of scored tokens, and the gradient of the sum of their squares. */
async function compiled(config: DecoderConfig, cuts: number): Promise<Program> {
  const graph = new Graph();
  const inputs = streamInputs(graph, cuts);
  const { policy } = randomDecoder(config);
  const parameters = policy.parameters(graph);
  const { logProbs } = targetLogProbs(config, parameters, {
    ...{ inputs, chunks: 1 },
  });
  const trained = policy.trained.map(({ name }) =>
    graph.inputs.find((input) => input.name === name)!
  );
  const gradients = gradient(sum(mul(logProbs, logProbs)), trained);
  return await compile({
    logProbs,
    ...Object.fromEntries(trained.map(({ name }, i) => [name, gradients[i]!])),
  });
}

/** Rows of other lengths than each other, one of them with a continuation. */
function randomRows(rng: Rng): TokenRow[] {
  const below = (n: number) => Math.floor(rng.uniform() * n);
  const ids = (n: number) => Array.from({ length: n }, () => below(11));
  return Array.from({ length: 1 + below(3) }, (_, i) => ({
    prompt: ids(1 + below(7)),
    completions: Array.from(
      { length: i === 0 ? 1 + below(3) : below(3) },
      () => ids(1 + below(11)),
    ),
  }));
}

const CASES: [name: string, config: DecoderConfig, cuts: number][] = [
  ["Llama in one cut", ONE_LAYER, 1],
  ["Llama in three cuts", ONE_LAYER, 3],
  [`${UNLIKE_LLAMA[0]![0]}, in two cuts`, UNLIKE_LLAMA[0]![1], 2],
];

for (const [name, config, cuts] of CASES) {
  Deno.test(`attention in tiles scores and learns as in rows: ${name}`, async () => {
    const { parameters } = randomDecoder(config);
    const [inRows, inTiles] = [
      await compiled(config, 0),
      await compiled(config, cuts),
    ];
    const rng = new Rng(name);
    for (let draw = 0; draw < 8; draw++) {
      const rows = randomRows(rng);
      const results = async (program: Program, attentionCuts: number) => {
        const feeds = streamFeeds(treeBatch(rows, { attentionCuts }));
        return await program.run({ ...feeds, ...parameters });
      };
      const found = await results(inTiles, cuts);
      for (const [what, wanted] of Object.entries(await results(inRows, 0))) {
        assertClose(hostData(found[what]), [...hostData(wanted)], {
          ...{ tolerance: 1e-5, what },
        });
      }
    }
    await inRows.release();
    await inTiles.release();
  });
}
