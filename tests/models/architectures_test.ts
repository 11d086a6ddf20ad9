import { deepStrictEqual, ok } from "node:assert/strict";
import { treeBatch } from "lib/data/tree_batch.ts";
import { dpo } from "lib/losses/dpo.ts";
import { resolveOptions } from "lib/losses/options.ts";
import { writeAdapter } from "lib/models/adapter/adapter_folder.ts";
import { readConfig } from "lib/models/read_config.ts";
import { nextLogits } from "lib/models/decoder/decoder.ts";
import { createGenerator } from "lib/models/generate/generate.ts";
import {
  adapterOf,
  type LoadedPolicy,
  loadPolicy,
  type Tuning,
} from "lib/models/load_policy.ts";
import { writeModelFolder } from "lib/models/model_folder.ts";
import { readHeader, readTensor } from "lib/models/weights/safetensors.ts";
import { inMemory } from "lib/models/weights/write_safetensors.ts";
import { Graph } from "lib/onnx/graph/graph.ts";
import { compile } from "lib/onnx/session.ts";
import { hostData, type Tensors } from "lib/onnx/tensors.ts";
import { tensorsOf } from "lib/train/trained_parameters.ts";
import { referenceOf } from "lib/train/reference.ts";
import { Rng } from "lib/rng.ts";
import { ForwardPass } from "lib/train/forward_pass.ts";
import { Trainer } from "lib/train/trainer.ts";
import { recorder, type Values } from "../train/random_trainer.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import {
  adapterIn,
  ARCHITECTURES,
  type Fixture,
  type Outcome,
  putArchitecture,
  rowsOf,
} from "./architecture_fixtures.ts";
import { checkMerged, checkOnnxGreedy } from "./exported_architecture.ts";
import { seeded } from "./seeded_weights.ts";
import { putJson } from "./tiny_model.ts";
import { streamFeeds, streamInputs } from "lib/train/feeds.ts";

const FULL: Tuning = { kind: "full" };
/** Few enough that the pairs make several micro-batches. */
const MICRO_TOKENS = 48;

for (const [name, fixture] of ARCHITECTURES) {
  const check = (
    what: string,
    use: (fixture: Fixture, folder: string) => Promise<void>,
  ) =>
    Deno.test(`${name} has transformers' ${what}`, async () => {
      using folder = temporaryFolder();
      await putArchitecture(folder.path, fixture);
      await use(fixture, folder.path);
    });
  check("configuration, however it is spelled", checkConfig);
  check("logits and log-probabilities", async (fixture, folder) => {
    const loaded = await loadPolicy(folder, FULL);
    await checkLogits(loaded, fixture);
    await checkLogProbs(loaded, fixture);
  });
  check("DPO loss and gradient of all parameters", checkFullTraining);
  check("DPO loss and gradient of PEFT's adapter", checkLoraTraining);
  check("greedy continuations", checkGreedy);
  check(
    "greedy continuations as ONNX",
    ({ greedy }, folder) => checkOnnxGreedy(folder, greedy),
  );
  check("log-probabilities with PEFT's adapter merged", (fixture, folder) => {
    const pairs = { adapter: adapterIn(folder), rows: rowsOf(fixture) };
    return checkMerged(folder, pairs, numbers(fixture.lora.logProbs));
  });
}

async function checkConfig(
  { saved }: Fixture,
  folder: string,
): Promise<void> {
  const expected = await readConfig(folder);
  await putJson(`${folder}/config.json`, saved);
  deepStrictEqual(await readConfig(folder), expected);
}

async function checkLogits(
  { policy }: LoadedPolicy,
  fixture: Fixture,
): Promise<void> {
  const graph = new Graph();
  const inputs = streamInputs(graph);
  const parameters = policy.parameters(graph);
  const logits = nextLogits(policy.config, parameters, inputs);
  const program = await compile({ logits }, {});
  const tree = treeBatch(rowsOf(fixture));
  const { lengths } = tree;
  const feeds = { ...streamFeeds(tree), ...initialOf({ policy }) };
  const output = await program.run(feeds);
  const found = hostData(output["logits"]);
  let end = 0;
  for (const [i, line] of fixture.logits.entries()) {
    const expected = numbers(line);
    end += lengths[i]! * expected.length;
    assertWithin(1e-4, found.subarray(end - expected.length, end), expected);
  }
  await program.release();
}

async function checkLogProbs(
  { policy }: Pick<LoadedPolicy, "policy">,
  fixture: Fixture,
): Promise<void> {
  const forward = new ForwardPass({ policy, microTokens: MICRO_TOKENS });
  const parameters = initialOf({ policy });
  const scores = await forward.logProbs(rowsOf(fixture), { parameters });
  await forward.release();
  assertWithin(1e-4, scores.flat(), numbers(fixture.logProbs));
}

async function checkFullTraining(
  fixture: Fixture,
  folder: string,
): Promise<void> {
  const { policy } = await loadPolicy(folder, FULL);
  const gradient = await trainOnce({ policy }, fixture, fixture);
  const out = `${folder}/gradient`;
  const tensors = policy.trained.map(({ name, shape }) =>
    inMemory({ name, shape, data: gradient.get(name)! })
  );
  await writeModelFolder(out, { from: folder, tensors });
  await checkGradient(`${out}/model.safetensors`, fixture);
}

async function checkLoraTraining(
  fixture: Fixture,
  folder: string,
): Promise<void> {
  const tuning = { kind: "adapter", folder: adapterIn(folder) } as const;
  const { policy, lora } = await loadPolicy(folder, tuning);
  const gradient = await trainOnce({ policy }, fixture, fixture.lora);
  const out = `${folder}/gradient`;
  await writeAdapter(out, adapterOf(lora!, gradient), {
    baseModel: folder,
    config: policy.config,
  });
  await checkGradient(`${out}/adapter_model.safetensors`, fixture.lora);
}

/** Takes a step, checks its loss, and says the gradient. */
async function trainOnce(
  { policy }: Pick<LoadedPolicy, "policy">,
  fixture: Fixture,
  { logProbs, loss }: Outcome,
): Promise<Values> {
  const lossOptions = resolveOptions(dpo, { beta: 0.1 });
  const trainer = await Trainer.create({
    policy,
    loss: dpo,
    lossOptions,
    optimizer: recorder,
    microTokens: MICRO_TOKENS,
  });
  const rows = rowsOf(fixture);
  const references = fixture.pairs.map(({ reference }) => reference);
  const result = await trainer.train(rows, {
    lossOptions,
    reference: referenceOf(rows, references),
    learningRate: 0,
    maxGradNorm: 0,
  });
  assertWithin(1e-4, result.logProbs.flat(), numbers(logProbs));
  assertWithin(1e-5, [result.loss], [loss]);
  const { tensors } = await trainer.save();
  await trainer.release();
  return tensors.get("seen")!;
}

/** Checks each tensor of a file, to 1e-3 of its size. */
async function checkGradient(
  path: string,
  { gradient }: Outcome,
): Promise<void> {
  const file = await readHeader(path);
  deepStrictEqual([...file.tensors.keys()].sort(), Object.keys(gradient));
  for (const [name, line] of Object.entries(gradient)) {
    const [norm, ...rest] = numbers(line);
    const found = await readTensor(file, name);
    const draw = { shape: [found.length], center: 0, width: 1 };
    const dots = [0, 1, 2].map((k) =>
      dot(found, seeded(`dot${k}:${name}`, draw))
    );
    assertWithin(
      1e-3 * norm!,
      [Math.sqrt(dot(found, found)), ...dots],
      [norm!, ...rest.slice(0, 3)],
      name,
    );
    assertWithin(
      1e-3 * norm! / Math.sqrt(found.length),
      found.subarray(0, 8),
      rest.slice(3),
      name,
    );
  }
}

async function checkGreedy(
  { greedy }: Fixture,
  folder: string,
): Promise<void> {
  const { policy } = await loadPolicy(folder, FULL);
  const generator = await createGenerator(policy);
  const prompts = greedy.map(({ prompt }) => prompt);
  const completions = await generator.generate(prompts, {
    parameters: initialOf({ policy }),
    stream: (label) => new Rng(label),
    maxNewTokens: greedy[0]!.ids.length,
    stopIds: [],
    temperature: 0,
  });
  await generator.release();
  deepStrictEqual(
    completions.map(([completion]) => completion!.ids),
    greedy.map(({ ids }) => ids),
  );
}

function initialOf({ policy }: Pick<LoadedPolicy, "policy">): Tensors {
  return tensorsOf(policy.trained, policy.initial);
}

function numbers(line: string): number[] {
  return line.split(" ").map(Number);
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, x, i) => sum + x * b[i]!, 0);
}

function assertWithin(
  bound: number,
  found: ArrayLike<number>,
  expected: readonly number[],
  what = "value",
): void {
  for (const [i, wanted] of expected.entries()) {
    ok(
      Math.abs(found[i]! - wanted) <= bound,
      `${what}[${i}] is ${found[i]}, expected ${wanted} ± ${bound}`,
    );
  }
}
