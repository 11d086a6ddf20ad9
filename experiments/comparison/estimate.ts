import type { Example, TokenRow } from "lib/data/example.ts";
import type { Method } from "lib/experiment/grid.ts";
import { lossOf } from "lib/experiment/method_losses.ts";
import { temporaryFolder } from "lib/files/temporary.ts";
import type { Device } from "lib/onnx/providers.ts";
import { peakMemory } from "lib/record/environment.ts";
import { Rng } from "lib/rng.ts";
import type { DataInMemory, InputsInMemory } from "lib/run/inputs.ts";
import { type PreparedRun, prepareRun } from "lib/run/plan.ts";
import { run } from "lib/run/run.ts";
import { type Inputs, sameInputs } from "./contents.ts";
import { evenly } from "./jobs.ts";
import { Meter } from "./meter.ts";
import { runSettings } from "./methods.ts";
import type { ComparisonSettings } from "./settings.ts";

/** What a comparison takes, by a few measured steps. */
export interface Estimate {
  /** Of a run of each method. */
  readonly steps: readonly number[];
  /** Of all runs. */
  readonly totalSteps: number;
  /** Most that this process held while it measured. */
  readonly bytes: number;
  /** Seconds of all runs in one process. */
  readonly seconds: number;
  /** The method whose steps were measured, and a step's seconds. */
  readonly measured: { readonly method: Method; readonly seconds: number };
}

export interface EstimateOptions {
  readonly device: Device;
  /** The comparison that chooses rates before; `null` for none. */
  readonly trials: ComparisonSettings | null;
}

/**
 * Trains a few steps of the method that computes most tokens, measures a few
 * held-out pairs and draws an answer or two. The rest is in proportion to
 * tokens, pairs and answers; the time of a judge is not in it. Nothing is
 * written.
 */
export async function estimate(
  settings: ComparisonSettings,
  { device, trials }: EstimateOptions,
): Promise<Estimate> {
  const inputs = await sameInputs(settings);
  const setup = { settings, inputs, device };
  const planned = await plannedRuns(settings, inputs);
  const costliest = planned.reduce((a, b) => b.tokens > a.tokens ? b : a);
  const costs: Costs = {
    ...await measureSteps(costliest, setup),
    ...await measureEvaluation(setup),
  };
  const grids: Grid[] = [{ settings, planned }];
  if (trials) {
    grids.push({
      settings: trials,
      planned: await plannedRuns(trials, inputs),
    });
  }
  const { length: heldOut } = inputs.preferences.heldOut;
  return {
    steps: planned.map(({ steps }) => steps),
    totalSteps: sum(grids.flatMap(runsOf).map(({ steps }) => steps)),
    bytes: peakMemory(),
    seconds: sum(grids.map((grid) => secondsOf(grid, { costs, heldOut }))),
    measured: {
      method: costliest.method,
      seconds: costs.perToken * costliest.tokens / costliest.steps,
    },
  };
}

/** Settings and inputs of a measurement. */
interface Setup {
  readonly settings: ComparisonSettings;
  readonly inputs: Inputs;
  readonly device: Device;
}

/** A run before it is made. */
export interface Planned {
  readonly method: Method;
  readonly steps: number;
  /** Tokens of all steps. */
  readonly tokens: number;
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/** The first run of each method. */
async function plannedRuns(
  { methods, seeds, train }: ComparisonSettings,
  inputs: Inputs,
): Promise<Planned[]> {
  const planned = [];
  for (const method of methods) {
    const point = { ...method, level: {}, draw: 0, seed: seeds[0]! };
    const { loss } = lossOf(inputs.losses, method);
    const prepared = await prepareRun(
      runSettings(point, { train, loss }),
      inMemory(inputs, { method, data: inputs.preferences.train }),
    );
    const { batches } = prepared.plan;
    const tokens = sum(batches.map((_, step) => tokensOf(prepared, step)));
    planned.push({ method, steps: batches.length, tokens });
  }
  return planned;
}

function inMemory(
  { model: { policy, source, hash, tokenizer, called }, losses }: Inputs,
  { method, data }: { method: Method; data: DataInMemory },
): InputsInMemory {
  return {
    loss: lossOf(losses, method),
    policy: { policy, source, weights: hash, tokenizer, called },
    data,
  };
}

/** Tokens of a step, and of the rows that its statistics read besides. */
function tokensOf(
  { plan, inputs: { loss, options } }: PreparedRun,
  step: number,
): number {
  const batch = plan.batches[step]!.map((i) => plan.examples[i]!);
  const others = loss.statistics?.rows?.(batch, options) ?? [];
  // A forward pass is a third of a step.
  return sum(batch.map(lengthOf)) + sum(others.map(lengthOf)) / 3;
}

function lengthOf(
  { prompt, completions }: Pick<TokenRow, "prompt" | "completions">,
): number {
  return prompt.length + sum(completions.map(({ length }) => length));
}

/** A comparison, and its runs before they are made. */
export interface Grid {
  readonly settings: ComparisonSettings;
  readonly planned: readonly Planned[];
}

/** Every run, levels and seeds included. */
function runsOf({ settings: { levels, seeds }, planned }: Grid): Planned[] {
  const times = levels.length * seeds.length;
  return planned.flatMap((one) => Array<Planned>(times).fill(one));
}

/** Seconds, as measured. */
export interface Costs {
  /** Of a token that is trained on. */
  readonly perToken: number;
  /** From the plan of a run to its first step. */
  readonly start: number;
  /** Of an evaluation, for each held-out pair. */
  readonly perPair: number;
  /** Of a token of an answer. */
  readonly perAnswerToken: number;
}

/**
 * Seconds of all runs of a comparison, one after the other.
 *
 * @param options `heldOut`: held-out pairs that there are.
 */
export function secondsOf(
  grid: Grid,
  { costs, heldOut }: { costs: Costs; heldOut: number },
): number {
  const { evaluation, heldOut: { pairs } } = grid.settings;
  const runs = runsOf(grid);
  const evaluations = sum(
    runs.map(({ steps }) => evenly(evaluation.times, steps).length),
  );
  // The model before training is measured as each run is.
  const answered = (runs.length + 1) * evaluation.prompts;
  return sum(runs.map(({ tokens }) => tokens)) * costs.perToken +
    runs.length * costs.start +
    (evaluations + 1) * Math.min(pairs, heldOut) * costs.perPair +
    answered * evaluation.maxNewTokens * costs.perAnswerToken;
}

/** The first step of these takes the longest rows, and what else is made once. */
const STEPS = 3;

async function measureSteps(
  { method }: Planned,
  { settings, inputs, device }: Setup,
): Promise<Pick<Costs, "perToken" | "start">> {
  const { train, seeds } = settings;
  const point = { ...method, level: {}, draw: 0, seed: seeds[0]! };
  const { loss } = lossOf(inputs.losses, method);
  const { examples, ...data } = inputs.preferences.train;
  const sample = sampleOf(examples, train.batch);
  using cache = await temporaryFolder();
  const times: number[] = [];
  let prepared: PreparedRun | undefined;
  let begun = 0;
  await run(
    {
      ...{ ...runSettings(point, { train, loss }), device },
      ...{ steps: STEPS, order: "sequential" },
    },
    {
      inputs: inMemory(inputs, {
        method,
        data: { ...data, examples: sample },
      }),
      cache: cache.path,
      measuring: () => Promise.resolve({}),
      onPrepared: (found) => {
        prepared = found;
        begun = performance.now();
      },
      onStep: () => times.push(performance.now()),
    },
  );
  const [start, first] = times;
  const tokens = tokensOf(prepared!, 1) + tokensOf(prepared!, 2);
  return {
    perToken: (times.at(-1)! - first!) / 1000 / tokens,
    start: (start! - begun) / 1000,
  };
}

/** The longest pairs for one step, which take most memory, and usual ones for two. */
function sampleOf(pairs: readonly Example[], batch: number): Example[] {
  const longest = pairs.toSorted((a, b) => lengthOf(b) - lengthOf(a));
  return [
    ...longest.slice(0, batch),
    ...spaced(pairs, (STEPS - 1) * batch),
  ];
}

/** So many of a list, at equal distances; all of a shorter one. */
function spaced<T>(list: readonly T[], count: number): T[] {
  if (list.length <= count) return [...list];
  return Array.from(
    { length: count },
    (_, i) => list[Math.floor(i * list.length / count)]!,
  );
}

/** Held-out pairs, and prompts to be answered, that are measured. */
const [PAIRS, PROMPTS] = [8, 2];
/** Characters of a control text that are tokens enough. */
const FEW = 1000;

async function measureEvaluation(
  { settings, inputs, device }: Setup,
): Promise<Pick<Costs, "perPair" | "perAnswerToken">> {
  const { model: { policy }, tokenizer, controlText, choices } = inputs;
  const { evaluation, train: { threads } } = settings;
  const { heldOut: all, prompts: asked } = inputs.preferences;
  const rows = spaced([...all.keys()], PAIRS);
  const heldOut = rows.map((i) => all[i]!);
  const share = heldOut.length / all.length;
  const part = <T>(list: readonly T[]) =>
    list.slice(0, Math.ceil(share * list.length));
  const prompts = Math.min(PROMPTS, evaluation.prompts);
  const probes = Math.ceil(share * evaluation.probes);
  await using opened = new AsyncDisposableStack();
  const meter = await Meter.open({
    settings: { ...settings, evaluation: { ...evaluation, prompts, probes } },
    ...{ policy, heldOut, tokenizer, device, threads, judge: null },
    prompts: rows.map((i) => asked[i]!),
    controlText: controlText &&
      controlText.slice(0, Math.max(FEW, share * controlText.length)),
    choices: choices &&
      {
        ...choices,
        rows: part(choices.rows),
        questions: part(choices.questions),
      },
  });
  opened.defer(() => meter.release());
  // Compiles the graph.
  await meter.held(meter.initial, 0);
  const held = await secondsFor(() => meter.held({ ...meter.initial }, 0));
  const rng = new Rng(0).split("answers");
  const answered = await secondsFor(() => meter.answers(meter.initial, rng));
  return {
    perPair: held / heldOut.length,
    perAnswerToken: answered / (prompts * evaluation.maxNewTokens),
  };
}

async function secondsFor(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
