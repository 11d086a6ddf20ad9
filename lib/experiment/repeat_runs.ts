import { resolveDevice } from "../onnx/devices.ts";
import { canonicalJson } from "../record/canonical_json.ts";
import { differences } from "../record/differences.ts";
import { provenance } from "../record/environment.ts";
import type { RecordedRun, RunRecord } from "../record/record.ts";
import type { Execution, ExperimentDefinition } from "./definition.ts";
import type { GridSettings } from "./grid.ts";
import { worldOf } from "./identity.ts";
import {
  type Recorded,
  recordName,
  recordRun,
  recordsOf,
  type StoredSettings,
  storedSettings,
} from "./records.ts";
import { runJobs } from "./run_jobs.ts";

/**
 * Does the work again that records of an experiment describe: runs, the
 * measurement of the models that they start from, and exact numbers. All that
 * they share is made once.
 *
 * @returns the repetitions in the order of the records.
 * @throws Error for records that are not of the experiment's settings, or not
 * of the same.
 */
export async function repeatRuns<
  S extends GridSettings,
  Start,
  Data,
  Summary extends object,
>(
  definition: ExperimentDefinition<S, Start, Data, Summary>,
  records: readonly RunRecord[],
  execution: Omit<Execution, "device">,
): Promise<RecordedRun[]> {
  const [first] = records;
  if (!first) return [];
  const { name: experiment, settings: { schema }, jobs } = definition;
  const stored = records.map((record) => {
    const found = storedSettings(record, schema);
    const name = recordName(found.recorded);
    if (record.name === name) return found;
    throw new Error(
      `Cannot reproduce ${record.name}: its settings are those of ${name}`,
    );
  });
  const settings = united(stored);
  const device = await resolveDevice(first.environment.device);
  const context = {
    experiment,
    settings,
    device,
    provenance: await provenance(),
  };
  const again = new Map<string, RecordedRun>();
  await runJobs(jobs, {
    ...{ ...execution, settings, device },
    finished: namesBeside(settings, stored),
    onOutcome: (recorded, outcome) => {
      again.set(recordName(recorded), recordRun(recorded, outcome, context));
      return Promise.resolve();
    },
  });
  return records.map(({ name }) => {
    const run = again.get(name);
    if (run) return run;
    throw new Error(
      `Cannot reproduce ${name}: the experiment "${experiment}" no longer has it`,
    );
  });
}

/** The settings of all records, with a grid that has every one of them. */
function united<S extends GridSettings>(
  stored: readonly StoredSettings<S>[],
): S {
  // Exact numbers are listed in the order of their methods.
  const exact = stored.filter(({ recorded }) => "exact" in recorded);
  const all = [...exact, ...stored].map(({ settings }) => settings);
  const [first] = all;
  const other =
    all.flatMap((settings) =>
      differences(worldOf(first!), worldOf(settings), { ignore: [] })
    )[0];
  if (other) {
    throw new Error(
      `Cannot reproduce records of different settings: ${
        other.path.slice(1)
      } is ${JSON.stringify(other.before)} and ${JSON.stringify(other.after)}`,
    );
  }
  return {
    ...first!,
    methods: distinct(all.flatMap(({ methods }) => methods)),
    draws: distinct(all.flatMap(({ draws }) => draws)),
    seeds: distinct(all.flatMap(({ seeds }) => seeds)),
    levels: distinct(all.flatMap(({ levels }) => levels)),
  };
}

function distinct<T>(values: readonly T[]): T[] {
  return [
    ...new Map(values.map((value) => [canonicalJson(value), value])).values(),
  ];
}

/** Names of all records of a grid, except for those that are wanted. */
function namesBeside<S extends GridSettings>(
  settings: S,
  wanted: readonly { readonly recorded: Recorded }[],
): ReadonlySet<string> {
  const names = new Set(recordsOf(settings).map(recordName));
  for (const { recorded } of wanted) names.delete(recordName(recorded));
  return names;
}
