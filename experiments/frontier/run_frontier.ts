import { provenance } from "lib/record/environment.ts";
import type { ExperimentOptions } from "lib/experiment/experiment.ts";
import { withBenches } from "./benches.ts";
import { rebuild } from "./rebuild.ts";
import { REFERENCE, referenceRecord, runRecord, writeRun } from "./records.ts";
import { ResultsFolder } from "lib/experiment/results_folder.ts";
import type { FrontierSettings } from "./settings.ts";
import { runAll, specsOf, survey, teach } from "./stages.ts";

export type RunOptions = Pick<
  ExperimentOptions,
  "out" | "device" | "jobs" | "watch"
>;

/**
 * Runs the experiment. Its results appear when all of them are there, so that
 * old and new ones never mix.
 *
 * @returns seconds by phase.
 */
export async function runFrontier(
  settings: FrontierSettings,
  { out, device, jobs, watch }: RunOptions,
): Promise<Readonly<Record<string, number>>> {
  const phases: Record<string, number> = {};
  let last = performance.now();
  const end = (phase: string) => {
    phases[phase] = (performance.now() - last) / 1000;
    last = performance.now();
  };
  await using folder = await ResultsFolder.create(out, { marker: REFERENCE });
  const circumstances = { settings, device, provenance: await provenance() };
  const trained = await teach(settings, { device, watch });
  end("reference model");
  const { model } = trained;
  const setup = { settings, reference: model, device, jobs };
  await withBenches(setup, async (benches) => {
    const { reference, data } = await survey(benches, { settings, watch });
    await writeRun(
      folder.path,
      referenceRecord({ ...trained, summary: reference }, circumstances),
    );
    end("pairs and attainable frontier");
    await runAll(benches, {
      specs: specsOf(settings),
      data,
      watch,
      onRun: (spec, outcome) => {
        const run = { spec, outcome, data: data.get(spec.seed)!, model };
        return writeRun(folder.path, runRecord(run, circumstances));
      },
    });
  });
  end("runs");
  await rebuild(folder.path);
  await folder.publish();
  end("summary and figure");
  return phases;
}
