import { runSettings } from "experiments/comparison/methods.ts";
import { COMPARISON_SETTINGS } from "experiments/comparison/settings.ts";
import { readSettings, type SettingsFile } from "lib/cli/settings_file.ts";
import { storedSettings } from "lib/experiment/records.ts";
import { chooseLoss } from "lib/loss_tools/choose.ts";
import { readRecord, type RunRecord } from "lib/record/record.ts";
import {
  isRecord,
  type RecordedSettings,
  recordedSettings,
} from "lib/run/recorded_settings.ts";
import type { PreparedRun } from "lib/run/plan.ts";
import { completeSettings } from "lib/run/settings.ts";

/** A file of settings, and the record that it is, if it is one. */
export interface TrainFile {
  readonly file: SettingsFile;
  readonly record: RunRecord | null;
}

/**
 * Reads settings, or the record of a run that is to be repeated.
 *
 * @param given flags of the command line. Options in a record are those of its
 * own loss alone.
 */
export async function trainFile(
  path: string,
  { loss, data }: { loss: string | undefined; data: string | undefined },
): Promise<TrainFile> {
  const file = await readSettings(path);
  if (!isRecord(file)) return { file, record: null };
  const record = await readRecord(path);
  const isCompared = record.settings["experiment"] === "compare";
  const { flags, options } = isCompared
    ? await comparedSettings(record, { path, data })
    : recordedSettings(record, path);
  const isSame = loss === undefined || loss === flags["loss"];
  const values = isSame ? { ...flags, ...options } : flags;
  return { file: { path, values }, record };
}

/**
 * The settings of a run of a comparison, for the rows that `compare
 * --write-rows` writes: converted and tokenized.
 *
 * @throws Error for another record of a comparison, and without such rows.
 */
async function comparedSettings(
  record: RunRecord,
  { path, data }: { path: string; data: string | undefined },
): Promise<RecordedSettings> {
  const { settings, recorded } = storedSettings(record, COMPARISON_SETTINGS);
  if (!("point" in recorded)) {
    throw new Error(`Cannot train by ${path}: it tells of no run that trains`);
  }
  const { train } = settings;
  if (data === undefined) {
    throw new Error(
      `Cannot train by ${path} without --data: its run trained on a part of ${train.data}; ` +
        "compare with --dry-run --write-rows ROWS writes that, expected --data ROWS/train.jsonl",
    );
  }
  const { point } = recorded;
  const named = point.file?.path ?? point.loss;
  const { loss } = await chooseLoss(named);
  const { tokenizing: _t, conversions: _c, format: _f, ...rest } = runSettings(
    point,
    { train, loss },
  );
  const run = completeSettings({ ...rest, data, loss: named });
  return recordedSettings(
    { ...record, kind: "train", settings: JSON.parse(JSON.stringify(run)) },
    path,
  );
}

/** Says which inputs are others than those that a record tells of; `null` for none. */
export function otherInputs(
  { data: [train], model, objective }: RunRecord,
  { inputs }: PreparedRun,
): string | null {
  const { code } = inputs.lossSource;
  const parts = [
    ...`${objective?.code ?? []}` === `${code}`
      ? []
      : ["contents of the loss's file"],
    ...model.weights === inputs.model.hash ? [] : ["weights"],
    ...train?.sha256 === inputs.train.description.sha256 ? [] : ["examples"],
  ];
  return parts.length === 0
    ? null
    : `The ${parts.join(" and ")} are not those of the run that is repeated`;
}
