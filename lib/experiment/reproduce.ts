import { resolveDevice } from "../onnx/devices.ts";
import { provenance } from "../record/environment.ts";
import type { RecordedRun, RunRecord } from "../record/record.ts";
import type { ExperimentDefinition, Watch } from "./definition.ts";
import type { GridSettings } from "./grid.ts";
import { recordRun, REFERENCE, storedSettings } from "./records.ts";

/**
 * Repeats the run that a record describes, or the measurement of the model that
 * all runs start from.
 *
 * @throws Error for a record that is not of the experiment's settings.
 */
export async function reproduce<S extends GridSettings, Shared, Data, Summary>(
  definition: ExperimentDefinition<S, Shared, Data, Summary>,
  record: RunRecord,
  { watch }: { watch: Watch },
): Promise<RecordedRun> {
  const { name: experiment } = definition;
  const { settings, point } = storedSettings(
    record,
    definition.settings.schema,
  );
  if (point === null && record.name !== REFERENCE) {
    throw new Error(`Cannot reproduce ${record.name}: its record has no run`);
  }
  const device = await resolveDevice(record.environment.device);
  const shared = await definition.prepare(settings, { device, watch });
  const setup = { settings, shared, device };
  const { jobs, release } = await definition.jobs.createJobs(setup);
  try {
    const outcome = point === null
      ? await jobs.reference(null)
      : await jobs.run({ point, data: await jobs.prepare(point.seed) });
    if (outcome === null) {
      throw new Error(
        `Cannot reproduce ${record.name}: the experiment "${experiment}" no longer measures it`,
      );
    }
    return recordRun(point, outcome, {
      ...{ experiment, settings, device },
      provenance: await provenance(),
    });
  } finally {
    await release();
  }
}
