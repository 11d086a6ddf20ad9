import { existsSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../files/temporary.ts";
import { parseHubId } from "../hub/repo.ts";
import type { RecordedRun, RunRecord } from "../record/record.ts";
import { kebab } from "../cli/flag.ts";
import { run, type RunHooks, type RunOptions } from "./run.ts";
import { parseTrainSettings, type TrainSettings } from "./settings.ts";
import type { TuningSettings } from "./tuning_settings.ts";

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
  const settings = relocated(
    parseTrainSettings(
      record.settings,
      `Cannot use the settings of ${record.name}`,
    ),
    sources,
  );
  requirePlaces(settings, record);
  using folder = await temporaryFolder();
  const out = join(folder.path, "run");
  const again = record.summary["endedEarly"] === true
    ? await runUntil(Number(record.summary["step"]), settings, {
      out,
      ...hooks,
    })
    : await run(settings, { out, ...hooks });
  if (!again) throw new Error("Stopped before the run was made again");
  return again;
}

/** Stops a run after a step and ends it there, as its user had done. */
async function runUntil(
  last: number,
  settings: TrainSettings,
  options: RunOptions,
): Promise<RecordedRun | null> {
  let isReached = false;
  const stop = {
    get requested() {
      return isReached || options.stop?.requested === true;
    },
  };
  const onStep: RunOptions["onStep"] = (step, metrics) => {
    isReached ||= step === last;
    options.onStep?.(step, metrics);
  };
  await run(settings, { ...options, stop, onStep });
  return isReached ? await run(settings, { ...options, finish: true }) : null;
}

/**
 * A record has no folders: a local input has to be named.
 *
 * @throws Error that says where others get it and by which hash it is known.
 */
export function requirePlaces(
  { model, data, evalData, tuning, modelOrigin, dataOrigin }: TrainSettings,
  record: RunRecord,
): void {
  const [train, evaluation] = record.data;
  const places = {
    model: { place: model, origin: modelOrigin, hash: modelHash(record) },
    data: { place: data, origin: dataOrigin, hash: dataHash(train) },
    evalData: { place: evalData, origin: null, hash: dataHash(evaluation) },
    initAdapter: {
      place: tuning.kind === "adapter" ? tuning.adapter : null,
      origin: null,
      hash: `SHA-256 ${record.model.adapter}`,
    },
  };
  for (const [name, { place, origin, hash }] of Object.entries(places)) {
    if (place === null || parseHubId(place) !== null || existsSync(place)) {
      continue;
    }
    throw new Error(
      `Cannot find "${place}" of the run: expected --${
        kebab(name)
      }, where it lies now\n${origin ?? "Its origin is not recorded"}; ${hash}`,
    );
  }
}

/** The hash by which others know that they have the model. */
function modelHash({ model: { gguf, weights } }: RunRecord): string {
  return gguf ? `SHA-256 of the file ${gguf}` : `SHA-256 of weights ${weights}`;
}

/** The same for data; older records have the hash of the examples alone. */
function dataHash(data: RunRecord["data"][number] | undefined): string {
  return data?.files
    ? `SHA-256 ${data.files.join(", ")}`
    : `SHA-256 of tokenized examples ${data?.sha256}`;
}

function relocated(settings: TrainSettings, sources: Sources): TrainSettings {
  const { tuning } = settings;
  const { initAdapter, evalData = settings.evalData, ...rest } = sources;
  const moved: TuningSettings = tuning.kind === "adapter" && initAdapter
    ? { kind: "adapter", adapter: initAdapter }
    : tuning;
  return { ...settings, ...rest, evalData, tuning: moved };
}
