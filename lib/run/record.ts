import { countParameters, parameterNames } from "../models/parameters.ts";
import { describeLoss, lossRequirements } from "../train/requirements.ts";
import type { LoadedPolicy } from "../models/load_policy.ts";
import { type RunRecord, sourceName } from "../record/record.ts";
import { environment, peakMemory, provenance } from "../record/environment.ts";
import { differences } from "../record/differences.ts";
import type { MetricsRow } from "../record/metrics.ts";
import type { PreparedRun } from "./plan.ts";
import { roundingOf } from "./rounding.ts";
import { usualSettings } from "./settings.ts";

/** The outcome of a run. */
export interface Outcome {
  /** Metrics of the last step. */
  readonly last: MetricsRow;
  /** Numbers of the summary besides. */
  readonly measured: RunRecord["summary"];
  readonly timings: RunRecord["timings"];
  readonly artifacts: RunRecord["artifacts"];
}

/** The record of a run that has ended. */
export async function recordOf(
  run: PreparedRun,
  { last, measured, timings, artifacts }: Outcome,
): Promise<RunRecord> {
  const { settings, inputs } = run;
  const { loss } = inputs;
  const { device, precision, threads, seed } = settings;
  const { seconds: _seconds, ...summary } = last;
  return {
    schemaVersion: 1,
    kind: "train",
    name: `${loss.id}-seed${seed}`,
    settings: portableSettings(run),
    objective: objectiveOf(run),
    seeds: { run: seed },
    provenance: await provenance(),
    data: describedData(run),
    model: modelRecord({
      ...inputs.model,
      gguf: inputs.model.place?.gguf ?? null,
      weights: inputs.model.hash,
    }),
    environment: environment({
      ...{ device, precision, threads },
      ranks: run.ranks,
    }),
    timings,
    peakMemoryBytes: peakMemory(),
    summary: {
      ...summary,
      ...measured,
      ...await roundingOf(run),
    },
    artifacts,
  };
}

function objectiveOf(run: PreparedRun): RunRecord["objective"] {
  const { loss, options, lossSource: { code } } = run.inputs;
  return {
    ...describeLoss(loss, options, { reference: referenceName(run) }),
    ...code.length > 0 && { code: [...code] },
  };
}

/** The reference of a run, in words; `null` where it has none. */
export function referenceName(
  { inputs: { loss, options, model }, settings }: PreparedRun,
): string | null {
  if (!lossRequirements(loss, options).reference) return null;
  const { referenceEvery, referenceMix } = settings;
  return referenceEvery === 0
    ? model.called
    : `${model.called}, moved every ${referenceEvery} steps to ${referenceMix} of the policy`;
}

/** Numbers of parameters, adapters included. */
export function parameterCounts(
  { policy, lora }: Pick<LoadedPolicy, "policy" | "lora">,
): { total: number; trainable: number } {
  const trainable = countParameters(policy.trained);
  const base = countParameters(parameterNames(policy.config));
  // A parameter that the adapter replaces is the model's own as well.
  const added = lora ? trainable - countParameters(lora.replaced) : 0;
  return { total: base + added, trainable };
}

/** A model as a record describes it. */
export function modelRecord(
  { source, gguf, weights, tokenizer, ...model }:
    & Omit<RunRecord["model"], "adapter" | "parameters" | "gguf">
    & { gguf: string | null }
    & Pick<LoadedPolicy, "policy" | "lora" | "adapterHash">,
): RunRecord["model"] {
  return {
    source,
    ...gguf !== null && { gguf },
    weights,
    adapter: model.adapterHash,
    tokenizer,
    parameters: parameterCounts(model),
  };
}

/** The data of a run as a record describes them. */
function describedData(
  { inputs: { train, evaluation } }: PreparedRun,
): RunRecord["data"] {
  return [train, evaluation].flatMap((data) => data ? [data.description] : []);
}

/** Settings for a record, which is published: without paths of this machine. */
function portableSettings(
  { settings, inputs }: PreparedRun,
): RunRecord["settings"] {
  const { tuning } = settings;
  const { model: { source, adapterSource }, train, evaluation } = inputs;
  return {
    ...settings,
    model: source,
    loss: inputs.lossSource.name,
    data: train.description.source,
    evalData: evaluation?.description.source ?? null,
    tuning: tuning.kind === "adapter"
      ? { ...tuning, adapter: sourceName(adapterSource!) }
      : tuning,
  };
}

/**
 * Checks that a record is that of a run, however often it saves and evaluates
 * and wherever it computes.
 *
 * @throws Error that names the first setting, weight or row that differs.
 */
export function assertSameRun(
  record: RunRecord,
  run: PreparedRun,
  path: string,
): void {
  const [first] = differences(
    decisive({
      ...record,
      settings: { ...usualSettings(), ...record.settings },
    }),
    decisive({
      settings: portableSettings(run),
      data: describedData(run),
      model: { weights: run.inputs.model.hash },
    }),
    {
      ignore: [
        ...["device", "threads", "microTokens", "saveEvery", "evalEvery"],
        ...["modelOrigin", "dataOrigin", "recomputeLayers"],
      ],
    },
  );
  if (!first) return;
  const [before, after] = [first.before, first.after].map((x) =>
    JSON.stringify(x)
  );
  throw new Error(
    `Cannot resume ${path}: its run has ended, and ${
      first.path.slice(1)
    } was ${before}, now it is ${after}`,
  );
}

/** The parts of a record that decide a run's numbers. */
function decisive(
  { settings, data, model: { weights } }:
    & Pick<RunRecord, "settings" | "data">
    & { model: Pick<RunRecord["model"], "weights"> },
) {
  return { ...settings, data: data.map(({ sha256 }) => sha256), weights };
}
