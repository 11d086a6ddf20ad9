import { ok, throws } from "node:assert/strict";
import { treeBatch } from "lib/data/tree_batch.ts";
import { dpo } from "lib/losses/dpo.ts";
import { type BatchStatistics, type Loss, pairLoss } from "lib/losses/loss.ts";
import { type LossOptionValue, resolveOptions } from "lib/losses/options.ts";
import { detachedValues } from "lib/loss_tools/check.ts";
import { findLoss, LOSSES } from "lib/losses/registry.ts";
import { batchTotals, rowOf } from "lib/train/examples.ts";
import type { MicroBatch } from "lib/train/feeds.ts";
import type { DecoderConfig } from "lib/models/config.ts";
import type { Policy } from "lib/models/policy.ts";
import { lossRequirements } from "lib/train/requirements.ts";
import { mean } from "lib/train/metrics.ts";
import {
  buildObjective,
  type Objective,
  sumInput,
} from "lib/train/objective.ts";
import { add } from "lib/ops/elementwise.ts";
import { Graph } from "lib/onnx/graph/graph.ts";
import type { Float } from "lib/onnx/graph/tensor_type.ts";
import type { Program } from "lib/onnx/program.ts";
import { compile } from "lib/onnx/session.ts";
import { hostData, type HostTensor } from "lib/onnx/tensors.ts";
import { Rng } from "lib/rng.ts";
import { assertClose } from "../assert_close.ts";
import { ONE_LAYER, randomDecoder, SMALL } from "../models/random_decoder.ts";
import { randomLora } from "../models/random_lora.ts";
import { UNLIKE_LLAMA } from "../models/unlike_llama.ts";
import { randomExamples, UNLIKELY } from "../random_examples.ts";
import { temporaryFolder } from "../temporary_folder.ts";

type Feeds = Record<string, HostTensor>;
type Given = Readonly<Record<string, LossOptionValue>>;

const EXAMPLES = 4;
/** By how much their losses count. */
const WEIGHTS = [1, 0.25, 2.5, 0.5];
const ALL_TOKENS = { nllOver: "all", nllReduction: "token" };

type Case = ["full" | "lora", boolean, string, Given, number];

/**
 * What may matter besides the loss: what is trained, the head, the loss, its
 * lossOptions, equal parts of the head's work.
 */
const CASES: Case[] = [
  ["full", false, "dpo", { labelSmoothing: 0.1 }, 1],
  ["full", true, "dpo", { labelSmoothing: 0.1 }, 2],
  ["lora", false, "dpo", { labelSmoothing: 0.1 }, 2],
  ["lora", true, "dpo", { labelSmoothing: 0.1 }, 1],
  ["full", true, "sft", ALL_TOKENS, 2],
  ["full", true, "kto", { undesirableWeight: 1.3 }, 1],
  ["full", true, "orpo", ALL_TOKENS, 1],
  ["lora", true, "orpo", {}, 1],
  ["full", true, "kto-pairwise", { score: "mean" }, 1],
];

for (const one of CASES) testObjective(SMALL, one);
for (const { id } of LOSSES) {
  testObjective(ONE_LAYER, ["full", true, id, {}, 1]);
}

function testObjective(
  config: DecoderConfig,
  [kind, tiedHead, id, given, chunks]: Case,
): void {
  const head = `${tiedHead ? "tied" : "untied"} head in ${chunks} chunks`;
  Deno.test(`a decoder's gradients match finite differences: ${id}, ${kind}, ${head}`, () =>
    checkObjective({ ...config, tiedHead }, { kind, id, given, chunks }));
}

for (const [name, config] of UNLIKE_LLAMA) {
  for (const kind of ["full", "lora"] as const) {
    Deno.test(`a decoder's gradients match finite differences: ${kind}, ${name}`, () =>
      checkObjective(config, { kind, id: "dpo", given: {}, chunks: 2 }));
  }
}

interface CheckOptions {
  kind: "full" | "lora";
  id: string;
  given: Given;
  chunks: number;
}

async function checkObjective(
  config: DecoderConfig,
  { kind, id, given, chunks }: CheckOptions,
): Promise<void> {
  using folder = temporaryFolder();
  const decoder = randomDecoder(config);
  const policy = kind === "full"
    ? decoder.policy
    : (await randomLora(folder.path, decoder)).policy;
  const loss = findLoss(id);
  const lossOptions = resolveOptions(loss, given);
  const { parameters, batch } = givenOf(policy, loss, { lossOptions, chunks });
  const builtIn = (float: Float) => {
    const graph = new Graph({ float });
    const objective = buildObjective(policy, loss, {
      ...{ lossOptions, chunks, graph },
    });
    const feeds = {
      ...objective.feeds(batch),
      ...parametersIn(float, parameters),
    };
    return { objective, feeds };
  };
  const exact = builtIn("float64");
  const gradients = await gradientsOf(exact.objective, policy, exact.feeds);
  const { loss: each } = exact.objective;
  const constants = await detachedValues(each.graph, exact.feeds);
  const program = await compile({ loss: each });
  await checkDirections(program, gradients, { ...exact.feeds, ...constants });
  await program.release();
  const { objective, feeds } = builtIn("float32");
  const found = await gradientsOf(objective, policy, feeds);
  for (const [name, gradient] of gradients) {
    const options = { tolerance: 1e-5, what: `gradient of ${name}` };
    assertClose(found.get(name)!, gradient, options);
  }
}

/** A micro-batch that is the whole optimizer batch, parameters and sums. */
function givenOf(
  policy: Policy,
  loss: Loss,
  { lossOptions, chunks }: { lossOptions: Given; chunks: number },
): { parameters: Feeds; batch: MicroBatch } {
  const examples = randomExamples(loss, EXAMPLES).map((example, i) => ({
    ...example,
    weight: WEIGHTS[i]!,
  }));
  const rows = examples.map((example) => rowOf(example, loss));
  const scorePrompts = lossRequirements(loss, lossOptions).prompts;
  const tree = treeBatch(rows, { scorePrompts, multiple: chunks });
  const rng = new Rng("sums");
  const parameters = policy.trained.flatMap(({ name, shape }) => {
    const data = policy.initial.get(name)!;
    // Small, so that adding them costs the gradients no digits.
    const sums = data.map(() => rng.normal() / 100);
    return [[name, { data, shape }], [sumInput(name), { data: sums, shape }]];
  });
  return {
    parameters: Object.fromEntries(parameters),
    batch: {
      ...{ tree, rows, examples, start: 0, draw: 0, lossOptions },
      totals: batchTotals(examples),
      reference: UNLIKELY,
      statistics: statisticsOf(loss),
    },
  };
}

/** Parameters in the type of a graph. */
function parametersIn(float: Float, parameters: Feeds): Feeds {
  if (float === "float32") return parameters;
  return Object.fromEntries(
    Object.entries(parameters).map(([name, { data, shape }]) => [
      name,
      { data: new Float64Array(data), shape },
    ]),
  );
}

/** Made up, as every statistic is a constant. */
function statisticsOf({ statistics }: Loss): BatchStatistics["values"] {
  return Object.fromEntries(
    Object.entries(statistics?.outputs ?? {}).map(([name, kind]) => [
      name,
      kind === "number"
        ? 0.3
        : Array.from({ length: EXAMPLES }, (_, i) => i / 4 - 0.3),
    ]),
  );
}

/** What the program adds to the sums it is fed. */
async function gradientsOf(
  { gradients }: Objective,
  { trained }: Policy,
  feeds: Feeds,
): Promise<Map<string, number[]>> {
  const program = await compile(gradients);
  const output = await program.run(feeds);
  await program.release();
  return new Map(trained.map(({ name }) => {
    const before = feeds[sumInput(name)]!.data;
    const after = hostData(output[name]);
    return [name, Array.from(after, (x, i) => x - before[i]!)];
  }));
}

/**
 * Compares the gradient of each parameter with the slope along one random
 * direction, in which every element has its part.
 */
async function checkDirections(
  program: Program,
  gradients: ReadonlyMap<string, readonly number[]>,
  feeds: Feeds,
): Promise<void> {
  const rng = new Rng("directions");
  const h = 1e-5;
  for (const [name, gradient] of gradients) {
    const { data, shape } = feeds[name]!;
    const normals = gradient.map(() => rng.normal());
    const length = Math.hypot(...normals);
    const direction = normals.map((x) => x / length);
    const at = async (step: number) => {
      const moved = Float64Array.from(data, (x, i) => x + step * direction[i]!);
      const output = await program.run({
        ...feeds,
        [name]: { data: moved, shape },
      });
      return mean([...hostData(output["loss"])], WEIGHTS);
    };
    const slope = (await at(h) - await at(-h)) / (2 * h);
    const found = direction.reduce((s, x, i) => s + x * gradient[i]!, 0);
    ok(
      Math.abs(found - slope) < 1e-8 * (1 + Math.hypot(...gradient)),
      `slope along ${name} is ${found}, finite difference ${slope}`,
    );
  }
}

Deno.test("an input that nothing feeds is refused when the graph is built", () => {
  const { policy } = randomDecoder(SMALL);
  const unfed: Policy = {
    ...policy,
    parameters: (graph) => {
      const shift = graph.input("shift", []);
      const parameters = policy.parameters(graph);
      const value = (name: string) => add(parameters.value(name), shift);
      return { ...parameters, value };
    },
  };
  throws(() => build(unfed, findLoss("dpo")), {
    name: "RangeError",
    message: 'Cannot build the graph: its input "shift" is read, but nothing ' +
      "feeds it",
  });
});

Deno.test("an input that is declared for nothing is refused when the graph is built", () => {
  const { policy } = randomDecoder(SMALL);
  const idle = pairLoss({
    ...dpo,
    terms: (batch, options) => {
      const { position } = batch.tokens;
      return position.dtype === "float32"
        ? dpo.terms(batch, options)
        : { loss: position };
    },
  });
  throws(() => build(policy, idle), {
    name: "RangeError",
    message:
      'Cannot build the graph: its input "tokenPositions" is declared, ' +
      "but no node reads it",
  });
});

function build(policy: Policy, loss: Loss) {
  const lossOptions = resolveOptions(loss);
  return buildObjective(policy, loss, { lossOptions, chunks: 1 });
}
