import { COMPARISON_SETTINGS } from "experiments/comparison/settings.ts";
import { METHOD } from "lib/experiment/grid.ts";
import { canonicalJson } from "lib/record/canonical_json.ts";
import type { RunRecord } from "lib/record/record.ts";
import type { Sources } from "lib/run/reproduce.ts";
import * as v from "valibot";

/** Settings of an experiment on a model and data that its user named. */
const NAMING = v.looseObject({
  train: COMPARISON_SETTINGS.entries.train,
  run: v.looseObject({ file: METHOD.entries.file }),
});

/** The record of a run of an experiment, with present locations of its inputs. */
export function relocated(record: RunRecord, sources: Sources): RunRecord {
  const found = v.safeParse(NAMING, record.settings);
  if (!found.success) return record;
  const { train, run } = found.output;
  const { initAdapter: adapter, loss, ...places } = sources;
  const path = loss ?? run.file?.path;
  const settings = {
    ...record.settings,
    run: run.file ? { ...run, file: { ...run.file, path } } : run,
    train: {
      ...{ ...train, ...places },
      ...adapter !== undefined && { tuning: { kind: "adapter", adapter } },
    },
  };
  return { ...record, settings: JSON.parse(canonicalJson(settings)) };
}
