import { modelFolder } from "../run/models.ts";
import { BASE, type Cost, CURVES, VARIED } from "./cost.ts";
import { compareOnDevice } from "./devices/compare_on_device.ts";
import { measureParity } from "./devices/parity.ts";
import { measured } from "./jobs.ts";
import { productShapes } from "./machine.ts";
import { timeExperiment } from "./main_experiment.ts";
import { comparePeers } from "./peer_rounds.ts";
import { runPeer } from "./peers.ts";
import { measureRanks } from "./ranks/measure_ranks.ts";
import type { SectionName, Sections } from "./record.ts";
import { PROFILES } from "./shared_prompts.ts";
import {
  type BenchSettings,
  type Progress,
  trainingJob,
  workloadsOf,
} from "./settings.ts";
import type { TrainingJob } from "./training.ts";
import {
  tokenizerOf,
  type Workload,
  workloadPairs,
  WORKLOADS,
} from "./workloads.ts";

type Measure<Section> = (
  settings: BenchSettings,
  progress: Progress<Section>,
) => Promise<Section>;

/** How each section is measured, in the order of a record. */
export const MEASURE: { [Name in SectionName]: Measure<Sections[Name]> } = {
  machine: async ({ device, threads, quick }) => ({
    products: await measured("products", {
      ...{ shapes: productShapes({ quick, device }), device, threads },
      precisions: await measured("precisions", device),
      runs: quick ? 1 : 7,
    }),
  }),
  parity: measureParity,
  models: compareOnDevice,
  training: (settings) =>
    ofWorkloads(settings, async (job, { batch }) => ({
      ...await measured("training", job),
      batch,
    })),
  profile: (settings) =>
    ofWorkloads(settings, (job) => measured("profile", job)),
  baseWeights: measureBaseWeights,
  cost: measureCost,
  prompts: async ({ threads, quick, rounds }) => {
    const found = [];
    for (const profile of quick ? PROFILES.slice(1, 2) : PROFILES) {
      const input = { profile, rounds, threads };
      found.push(await measured("sharedPrompts", input));
    }
    return found;
  },
  generation: measureGeneration,
  tokenization: measureTokenization,
  experiment: async ({ mainExperiment, quick }) => ({
    seconds: await timeExperiment(mainExperiment, { quick }),
  }),
  ranks: measureRanks,
  peer: comparePeers,
};

/**
 * Why a section cannot be measured on this processor, null if it can: those that
 * take more than every processor has.
 */
export const OBSTACLES: {
  readonly [Name in SectionName]?: () => Promise<string | null>;
} = {
  baseWeights: () => measured("integerFault", null),
};

/** Measures DPO on the first pairs of each workload. */
async function ofWorkloads<T>(
  settings: BenchSettings,
  measure: (job: TrainingJob, workload: Workload) => Promise<T>,
): Promise<Record<string, T>> {
  const found: Record<string, T> = {};
  for (const workload of workloadsOf(settings)) {
    using job = await trainingJob(settings, workload, { round: 0 });
    found[workload.name] = await measure({ ...job, loss: "dpo" }, workload);
  }
  return found;
}

/** Timed steps over weights held in either way. */
const TURNS = 5;

async function measureBaseWeights(
  settings: BenchSettings,
): Promise<Sections["baseWeights"]> {
  const { device, threads, quick } = settings;
  const workload = {
    ...quick ? WORKLOADS.short : WORKLOADS.long,
    steps: quick ? 1 : TURNS,
  };
  using job = await trainingJob(settings, workload, { round: 0 });
  return {
    workload: workload.name,
    ...await measured("baseWeights", job),
    products: await measured("products", {
      ...{ shapes: productShapes({ quick, device }), device, threads },
      ...{ precisions: ["float32"], runs: quick ? 1 : 3, weights: "w8a16" },
    }),
  };
}

async function measureCost(
  { threads, quick }: BenchSettings,
): Promise<Sections["cost"]> {
  const curves: Record<string, Cost[]> = {};
  for (const name of VARIED) {
    const values = quick ? CURVES[name].slice(0, 1) : CURVES[name];
    curves[name] = [];
    for (const value of values) {
      const job = { ...BASE, [name]: value, threads };
      // A curve over the length has one pair, so that memory is that of its tokens.
      if (name === "length") job.batch = 1;
      curves[name].push(await measured("cost", job));
    }
  }
  return curves;
}

/** Prompts that are continued together, and tokens of each continuation. */
const CONTINUED = { prompts: 16, tokens: 64 };

async function measureGeneration(
  { model, data, threads, rounds, quick, python }: BenchSettings,
): Promise<Sections["generation"]> {
  const { folder } = await modelFolder(model);
  const pairs = await workloadPairs(data.short, WORKLOADS.short, folder);
  const { prompts: count, tokens: most } = CONTINUED;
  const prompts = pairs.slice(0, count).map(({ prompt }) => prompt);
  const tokens = quick ? 2 : most;
  const job = { model: folder, prompts, tokens, threads };
  const speeds = { ours: [] as number[], theirs: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    const own = await measured("generation", job);
    speeds.ours.push(own.tokensPerSecond);
    if (python === null) continue;
    const other = await runPeer(python, "generate", job);
    speeds.theirs.push(other.tokensPerSecond);
  }
  return { prompts: count, tokens, ...speeds };
}

async function measureTokenization(
  { model, data, rounds, quick, python }: BenchSettings,
): Promise<Sections["tokenization"]> {
  const { folder } = await modelFolder(model);
  const tokenizer = await tokenizerOf(folder);
  const name = quick ? "short" : "long";
  const pairs = await workloadPairs(data[name], WORKLOADS[name], folder);
  const texts = pairs.map(({ prompt, completions: [chosen] }) =>
    tokenizer.decode([...prompt, ...chosen!])
  );
  const job = { model: folder, data: data[name], texts };
  const found = { ours: [] as number[], theirs: [] as number[] };
  let [tokens, rowsPerSecond] = [0, 0];
  for (let round = 0; round < rounds; round++) {
    const own = await measured("tokenization", job);
    found.ours.push(own.textsPerSecond);
    ({ tokens } = own);
    rowsPerSecond = Math.max(rowsPerSecond, own.rowsPerSecond);
    if (python === null) continue;
    const other = await runPeer(python, "tokenize", job);
    if (other.tokens !== tokens) throw differentTokens(tokens, other.tokens);
    found.theirs.push(other.textsPerSecond);
  }
  return { texts: texts.length, tokens, rowsPerSecond, ...found };
}

function differentTokens(ours: number, theirs: number): RangeError {
  return new RangeError(
    `Cannot compare tokenizers: found ${ours} tokens of ours and ${theirs} of theirs, expected as many`,
  );
}
