import { resolveDevice } from "lib/onnx/devices.ts";
import type { RunRecord } from "lib/record/record.ts";
import { provenance } from "lib/record/environment.ts";
import type { Watch } from "lib/experiment/experiment.ts";
import type { RecordedRun } from "lib/record/record.ts";
import { LocalBench } from "./bench.ts";
import { REFERENCE, referenceRecord, runRecord } from "./records.ts";
import { survey, teach } from "./stages.ts";
import { storedSettings } from "./stored_settings.ts";

/** Does again what the record of a run, or of the reference model, says. */
export async function reproduce(
  record: RunRecord,
  { watch }: { watch: Watch },
): Promise<RecordedRun> {
  const { settings, run: spec } = storedSettings(record);
  if (spec === null && record.name !== REFERENCE) {
    throw new Error(`Cannot reproduce ${record.name}: its record has no run`);
  }
  const device = await resolveDevice(record.environment.device);
  const circumstances = { settings, device, provenance: await provenance() };
  const trained = await teach(settings, { device, watch });
  const { model } = trained;
  const bench = await LocalBench.create({ settings, reference: model, device });
  try {
    if (spec === null) {
      const alone = { settings: { ...settings, seeds: [] }, watch };
      const { reference: summary } = await survey([bench], alone);
      return referenceRecord({ ...trained, summary }, circumstances);
    }
    const data = await bench.prepare(spec.seed);
    const outcome = await bench.run(spec, data);
    return runRecord({ spec, outcome, data, model }, circumstances);
  } finally {
    await bench.release();
  }
}
