import { unsettle } from "../cli/settings.ts";
import type { SettingsFile } from "../cli/settings_file.ts";
import type { LossOptionValues } from "../losses/options.ts";
import type { RunRecord } from "../record/record.ts";
import { parseTrainSettings, TRAIN_FLAGS } from "./settings.ts";

/** Whether the object of a JSON file is meant to be the record of a run. */
export function isRecord({ values }: SettingsFile): boolean {
  return "schemaVersion" in values;
}

/** The settings of a run as a file for `train` has them. */
export interface RecordedSettings {
  /** Values by the names of flags, without defaults. */
  readonly flags: SettingsFile["values"];
  /** Options of the loss. */
  readonly options: LossOptionValues;
}

/**
 * The settings in the record of a training run.
 *
 * @throws Error for the record of anything else.
 */
export function recordedSettings(
  { kind, settings }: RunRecord,
  path: string,
): RecordedSettings {
  if (kind !== "train") {
    throw new Error(
      `Cannot train by ${path}: its kind is "${kind}", expected the record of a training run`,
    );
  }
  const action = `Cannot use the settings of ${path}`;
  const { options, tuning, tokenizing, conversions, ...plain } =
    parseTrainSettings(settings, action);
  const { kind: tuned, ...adapter } = tuning;
  const { steps, epochs } = plain;
  const flags = unsettle(TRAIN_FLAGS, {
    ...{ ...plain, ...tokenizing, ...conversions, ...adapter },
    full: tuned === "full",
    epochs: steps === null ? epochs : null,
  });
  return { flags, options };
}
