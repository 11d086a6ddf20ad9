import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseHubId } from "../hub/repo.ts";
import type { RecordedRun, RunRecord } from "../record/record.ts";
import { kebab } from "../cli/verb.ts";
import { run, type RunHooks } from "./run.ts";
import type { TrainSettings, TuningSettings } from "./settings.ts";

/** Present locations of model and data: a record names them without folders. */
export interface Sources {
  readonly model?: string;
  readonly data?: string;
  readonly evalData?: string;
  readonly initAdapter?: string;
  /** A loss of files, which may lie elsewhere now. */
  readonly loss?: string;
}

/**
 * Repeats a training run in a temporary folder.
 *
 * @throws Error for a record without the settings of a training run, and for
 * a file that does not lie here.
 */
export async function reproduceTraining(
  record: RunRecord,
  { sources, ...hooks }: RunHooks & { sources: Sources },
): Promise<RecordedRun> {
  const settings = relocated(trainSettings(record), sources);
  requirePlaces(settings);
  const folder = await Deno.makeTempDir({ prefix: "prefgrad-" });
  const out = join(folder, "run");
  try {
    const again = await run(settings, { out, ...hooks });
    if (!again) throw new Error("Stopped before the run was made again");
    return again;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A record has no folders: a local input has to be named. */
function requirePlaces({ model, data, evalData, tuning }: TrainSettings): void {
  const places = {
    model,
    data,
    evalData,
    initAdapter: tuning.kind === "adapter" ? tuning.adapter : null,
  };
  for (const [name, place] of Object.entries(places)) {
    if (place === null || parseHubId(place) !== null || existsSync(place)) {
      continue;
    }
    throw new Error(
      `Cannot find "${place}" of the run: expected --${
        kebab(name)
      }, where it lies now`,
    );
  }
}

function relocated(settings: TrainSettings, sources: Sources): TrainSettings {
  const { tuning } = settings;
  const { initAdapter, evalData = settings.evalData, ...rest } = sources;
  const moved: TuningSettings = tuning.kind === "adapter" && initAdapter
    ? { kind: "adapter", adapter: initAdapter }
    : tuning;
  return { ...settings, ...rest, evalData, tuning: moved };
}

/** Types that each setting may have in a record. */
const TYPES: Readonly<Record<keyof TrainSettings, readonly string[]>> = {
  model: ["string"],
  data: ["string"],
  evalData: ["string", "null"],
  loss: ["string"],
  preset: ["string", "null"],
  options: ["object"],
  tuning: ["object"],
  epochs: ["number"],
  steps: ["number", "null"],
  batch: ["number"],
  microTokens: ["number"],
  learningRate: ["number"],
  schedule: ["string"],
  warmup: ["number"],
  weightDecay: ["number"],
  maxGradNorm: ["number"],
  optimizer: ["string"],
  seed: ["number"],
  referenceEvery: ["number"],
  referenceMix: ["number"],
  order: ["string"],
  maxLength: ["number", "null"],
  maxPromptLength: ["number", "null"],
  truncate: ["string"],
  tokenizing: ["object"],
  format: ["string", "null"],
  skipBadRows: ["boolean"],
  conversions: ["object"],
  device: ["string"],
  precision: ["string"],
  baseWeights: ["string"],
  threads: ["number"],
  evalEvery: ["number"],
  saveEvery: ["number"],
};

function trainSettings({ settings, name }: RunRecord): TrainSettings {
  if (isTrainSettings(settings)) return settings;
  const [wrong] = Object.entries(TYPES).find(([key, types]) =>
    !types.includes(typeOf(settings[key]))
  )!;
  throw new Error(
    `Cannot make ${name} again: its record's setting "${wrong}" is ${
      JSON.stringify(settings[wrong])
    }, not that of a training run`,
  );
}

function isTrainSettings(
  settings: RunRecord["settings"],
): settings is RunRecord["settings"] & TrainSettings {
  return Object.entries(TYPES).every(([key, types]) =>
    types.includes(typeOf(settings[key]))
  );
}

function typeOf(value: unknown): string {
  return value === null ? "null" : typeof value;
}
