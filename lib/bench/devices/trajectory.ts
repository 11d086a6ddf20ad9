import type { MetricsRow } from "../../record/metrics.ts";
import { run } from "../../run/run.ts";
import { type DeviceJob, deviceSettings } from "./device_run.ts";

/** Numbers of each step of a run. */
export interface Trajectory {
  /** Mean loss of the batch. */
  readonly losses: readonly number[];
  /** Mean log π of the chosen completions, in nats. */
  readonly logProbs: readonly number[];
  readonly gradNorms: readonly number[];
}

/** Trains in this process, which should be a fresh one. */
export async function followRun(job: DeviceJob): Promise<Trajectory> {
  const { cache } = job;
  const measuring = () => Promise.resolve({});
  // So large a rate that steps differ from one another.
  const settings = { ...deviceSettings(job), learningRate: 1e-3 };
  const { rows } = (await run(settings, { cache, measuring }))!;
  const column = (name: string) => rows.map((row) => numberIn(row, name));
  return {
    losses: column("loss"),
    logProbs: column("logps/chosen"),
    gradNorms: column("gradNorm"),
  };
}

function numberIn(row: MetricsRow, name: string): number {
  const value = row[name];
  if (typeof value === "number") return value;
  throw new TypeError(`Cannot compare runs: expected a number as ${name}`);
}
