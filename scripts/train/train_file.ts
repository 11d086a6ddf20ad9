import { readSettings, type SettingsFile } from "lib/cli/settings_file.ts";
import { readRecord, type RunRecord } from "lib/record/record.ts";
import { isRecord, recordedSettings } from "lib/run/recorded_settings.ts";

/** A file of settings, and the record that it is, if it is one. */
export interface TrainFile {
  readonly file: SettingsFile;
  readonly record: RunRecord | null;
}

/**
 * Reads settings, or the record of a run that is to be repeated.
 *
 * @param options `loss`: that of the command line. Options in a record are those
 * of its own loss alone.
 */
export async function trainFile(
  path: string,
  { loss }: { loss: string | undefined },
): Promise<TrainFile> {
  const file = await readSettings(path);
  if (!isRecord(file)) return { file, record: null };
  const record = await readRecord(path);
  const { flags, options } = recordedSettings(record, path);
  const isSame = loss === undefined || loss === flags["loss"];
  const values = isSame ? { ...flags, ...options } : flags;
  return { file: { path, values }, record };
}
