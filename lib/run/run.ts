import { cacheFolder } from "../files/cache_folder.ts";
import { lossRequirements } from "../train/requirements.ts";
import { engine } from "../onnx/session.ts";
import { OPTIMIZERS } from "../optim.ts";
import { differences } from "../record/differences.ts";
import { readMetrics } from "../record/metrics.ts";
import {
  Clock,
  type RecordedRun,
  type RunRecord,
  writeRecord,
} from "../record/record.ts";
import { readCheckpoint } from "../train/checkpoints.ts";
import { rowsToReference } from "../train/loop.ts";
import { cachedReference, type Reference } from "../train/reference.ts";
import type { Trainer, TrainerOptions } from "../train/trainer.ts";
import { resultStore, RunFolder } from "./folder.ts";
import type { InputsInMemory } from "./inputs.ts";
import { type Measuring, probed } from "./measures.ts";
import type { InputHooks } from "./models.ts";
import { type PreparedRun, prepareRun } from "./plan.ts";
import { describedData, portableSettings, recordOf } from "./record.ts";
import type { GivenSettings } from "./settings.ts";
import { type StepHooks, takeSteps } from "./steps.ts";
import { Trainers } from "./trainers.ts";

/** Progress of a run, and its interruption. */
export interface RunHooks extends InputHooks, StepHooks {
  /**
   * Called before anything is computed.
   *
   * @internal
   */
  onPrepared?: (run: PreparedRun) => void;
  /** Rows scored under the reference; not called where the cache has them. */
  onReference?: (done: number, total: number) => void;
  /** Called after the last step, while the trainer has its result. */
  onTrained?: (trainer: Trainer) => void | Promise<void>;
  /** Told of a damaged checkpoint, a run that had ended, and the like. */
  onNote?: (text: string) => void;
}

/** Options of {@linkcode run}. */
export interface RunOptions extends RunHooks {
  /** Folder that the run writes. @default none: record and lines are returned */
  out?: string;
  /**
   * Whether to go on with what `out` holds: from its last checkpoint, from the
   * beginning where there is none, or not at all where the run has ended.
   *
   * @default false
   */
  resume?: boolean;
  /** Inputs that are in memory, in place of those that settings name. */
  inputs?: InputsInMemory;
  /**
   * Measures beside the loss. @default a probe
   *
   * @internal
   */
  measuring?: Measuring;
  /**
   * Trainers that several runs of the process share. @default this run's own
   *
   * @internal
   */
  trainers?: Trainers;
  /** Folder of the reference's log-probabilities. @default the user's cache */
  cache?: string;
}

/**
 * Runs one training: the one way in which a verb, an experiment or a
 * reproduction trains.
 *
 * @example A model and data in memory; a folder and a file are settings instead
 * ```ts
 * import { loadExamples } from "@prefgrad/prefgrad/data";
 * import { fullPolicy, parameterNames } from "@prefgrad/prefgrad/models";
 * import { run } from "@prefgrad/prefgrad/run";
 * import { strictEqual } from "node:assert/strict";
 *
 * const config = {
 *   ...{ vocabSize: 8, hiddenSize: 8, intermediateSize: 16, layers: 1 },
 *   ...{ heads: 2, kvHeads: 1, headDim: 4, normEpsilon: 1e-5 },
 *   ...{ rope: { theta: 10_000, scaling: null }, maxPositions: 16 },
 *   ...{ tiedHead: true, bosId: null, eosIds: [2] },
 * };
 * const initial = new Map(parameterNames(config).map(({ name, shape }) => {
 *   const length = shape.reduce((a, b) => a * b);
 *   return [name, Float32Array.from({ length }, (_, i) => Math.cos(i))];
 * }));
 *
 * const row = { "prompt_ids": [3], "chosen_ids": [4, 2], "rejected_ids": [5, 2] };
 * const data = await loadExamples(
 *   { name: "one pair", rows: [row] },
 *   { role: "train", tokenizer: null, vocabularySize: config.vocabSize },
 * );
 * const policy = {
 *   policy: fullPolicy(config, initial),
 *   source: "a small decoder",
 *   weights: "0".repeat(64),
 *   tokenizer: null,
 *   called: "the small decoder",
 * };
 * const finished = await run(
 *   { model: policy.source, data: "one pair", loss: "simpo", steps: 3 },
 *   { inputs: { policy, data } },
 * );
 * strictEqual(finished!.rows.length, 3);
 * ```
 *
 * @returns the record and the lines of metrics; null if the run was stopped,
 * which leaves a checkpoint in `out`.
 * @throws Error if settings, model or data are wrong, or the first step fails;
 * then nothing is written.
 */
export async function run(
  settings: GivenSettings,
  { out, resume = false, inputs = {}, ...options }: RunOptions = {},
): Promise<RecordedRun | null> {
  const clock = new Clock();
  await using folder = out === undefined
    ? null
    : await RunFolder.open(out, { resume });
  const prepared = await prepareRun(settings, inputs, options);
  const parameters = resultStore(prepared.inputs);
  const saving = { ...prepared, parameters, ...options };
  const ended = await folder?.record();
  if (folder && ended) return endedRun(folder, ended, prepared, options);
  const start = resume && folder
    ? await readCheckpoint(folder.checkpoints, saving)
    : null;
  options.onPrepared?.(prepared);
  clock.lap("load");
  await using own = new Trainers();
  const trainer = await (options.trainers ?? own).get(
    trainerOptions(prepared, inputs),
  );
  clock.lap("compile");
  const reference = await referenceFor(prepared, trainer, {
    ...options,
    known: inputs.reference,
  });
  clock.lap("reference");
  const measuring = options.measuring ?? probed;
  const measures = await measuring(trainer, prepared.plan, reference);
  clock.lap("measure");
  const steps = {
    ...options,
    clock,
    folder,
    reference,
    measures,
    start,
    parameters,
  };
  const rows = await takeSteps(prepared, trainer, steps);
  if (!rows) return null;
  const measured = await measures.summary?.() ?? {};
  await options.onTrained?.(trainer);
  clock.lap("train");
  if (folder) {
    const { tensors } = await trainer.save();
    await folder.writeResult(tensors.get("parameter")!, parameters);
  }
  clock.lap("save");
  // Its memory first: the record may need that of other weights.
  await own.release();
  const record = await recordOf(prepared, {
    last: rows.at(-1)!,
    measured,
    timings: clock.timings(),
    artifacts: await folder?.hashes() ?? {},
  });
  if (folder) await writeRecord(folder.path, record);
  return { record, rows };
}

/**
 * The run that a folder holds, if it is the one that is asked for.
 *
 * @throws Error that names the first setting, weight or row that differs.
 */
function endedRun(
  folder: RunFolder,
  record: RunRecord,
  prepared: PreparedRun,
  { onNote }: RunHooks,
): RecordedRun {
  const [first] = differences(
    decisive(record),
    decisive({
      settings: portableSettings(prepared),
      data: describedData(prepared),
      model: { weights: prepared.inputs.model.hash },
    }),
    { ignore: ["device", "threads", "microTokens", "saveEvery", "evalEvery"] },
  );
  if (first) {
    throw new Error(
      `Cannot resume ${folder.path}: its run has ended, and ${
        first.path.slice(1)
      } was ${JSON.stringify(first.before)}, now it is ${
        JSON.stringify(first.after)
      }`,
    );
  }
  onNote?.(`${folder.path} holds this run, which has ended`);
  return { record, rows: readMetrics(folder.metrics) };
}

/** The parts of a record that decide a run's numbers. */
function decisive(
  { settings, data, model: { weights } }:
    & Pick<RunRecord, "settings" | "data">
    & { model: Pick<RunRecord["model"], "weights"> },
) {
  return { ...settings, data: data.map(({ sha256 }) => sha256), weights };
}

function trainerOptions(
  { inputs, settings }: PreparedRun,
  { optimizer }: InputsInMemory,
): TrainerOptions {
  const { device, threads, microTokens } = settings;
  return {
    policy: inputs.model.policy,
    loss: inputs.loss,
    lossOptions: inputs.options,
    device,
    threads,
    microTokens,
    optimizer: optimizer ?? OPTIMIZERS[settings.optimizer],
  };
}

async function referenceFor(
  { inputs, plan, settings, identity }: PreparedRun,
  trainer: Trainer,
  { known, onReference, cache }: RunOptions & { known: Reference | undefined },
): Promise<Reference | null> {
  const { loss, model } = inputs;
  const rows = rowsToReference(plan, loss);
  if (rows.length === 0) return null;
  if (known) return known;
  const { device, precision, threads, microTokens } = settings;
  return await cachedReference(
    rows,
    (rows) => {
      onReference?.(0, rows.length);
      return trainer.referenceLogProbs(rows, {
        onRows: (done) => onReference?.(done, rows.length),
      });
    },
    {
      folder: cache ?? await cacheFolder("reference"),
      // Whatever may move the last digit counts, as runs are to repeat.
      identity: {
        weights: identity["model"]!,
        adapter: model.adapterHash,
        graph: await trainer.forward.hash(),
        tokens: lossRequirements(loss, inputs.options).tokenReference,
        engine: engine().version,
        device,
        precision,
        threads,
        microTokens,
      },
    },
  );
}
