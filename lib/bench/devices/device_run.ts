import { rowTokens } from "../../data/tree_batch.ts";
import { linearParameters, parameterNames } from "../../models/parameters.ts";
import { loraParameters } from "../../models/policy.ts";
import { readConfig } from "../../models/read_config.ts";
import type { Device, Precision } from "../../onnx/providers.ts";
import { peakMemory } from "../../record/environment.ts";
import { run } from "../../run/run.ts";
import type { GivenSettings } from "../../run/settings.ts";
import { neededFlops, totalNeeded } from "../needed_flops.ts";
import { ADAPTER } from "../training.ts";
import {
  profiledRows,
  type ProfiledRun,
  stepsOf,
  timedSteps,
} from "./profile_rows.ts";

/** How a policy is tuned. */
export type TuningKind = "lora" | "full";

/** A process that trains by DPO on a device. */
export interface DeviceJob extends ProfiledRun {
  /** Folder of the model. */
  readonly model: string;
  /** File of {@linkcode profiledRows}, one line a pair. */
  readonly rows: string;
  /** Empty folder for the reference's log-probabilities. */
  readonly cache: string;
  readonly tuning: TuningKind;
  readonly device: Device;
  readonly precision: Precision;
  readonly threads: number;
  readonly microTokens: number;
}

/** Times of steps on pairs of one length. */
export interface ProfileTimes {
  readonly name: string;
  readonly prompt: number;
  readonly completion: number;
  /** Of each timed step. */
  readonly seconds: readonly number[];
  /** Tokens of a step that go through the model, each prompt once. */
  readonly tokens: number;
  /** Operations of products that a step needs, whoever computes it. */
  readonly needed: number;
}

/** What a process took on a device. */
export interface DeviceTimes {
  /** Seconds from its start until model and graphs are ready. */
  readonly load: number;
  /** Seconds of the reference's log-probabilities of all pairs. */
  readonly reference: number;
  readonly profiles: readonly ProfileTimes[];
  /** Of the host. */
  readonly peakMemoryBytes: number;
}

/** Trains in this process, which should be a fresh one. */
export async function timeDevice(job: DeviceJob): Promise<DeviceTimes> {
  const begun = performance.now() / 1000;
  const scored: number[] = [];
  const done = await run(deviceSettings(job), {
    cache: job.cache,
    measuring: () => Promise.resolve({}),
    onReference: () => scored.push(performance.now() / 1000),
  });
  const { record: { timings: { phases } }, rows } = done!;
  const reference = (scored.at(-1) ?? 0) - (scored[0] ?? 0);
  const { load = 0, compile = 0 } = phases;
  const seconds = timedSteps(rows.map((row) => Number(row["seconds"])), job);
  const work = await workOf(job);
  return {
    load: begun + load + compile + (phases["reference"] ?? 0) - reference,
    reference,
    profiles: job.profiles.map((profile, i) => ({
      ...{ ...profile, seconds: seconds[i]!, ...work[i]! },
    })),
    peakMemoryBytes: peakMemory(),
  };
}

/** Settings of a run by DPO on pre-tokenized pairs, in their order. */
export function deviceSettings(
  job: DeviceJob,
): GivenSettings {
  const { model, rows, batch, device, precision, threads, microTokens } = job;
  return {
    ...{ model, data: rows, loss: "dpo", batch, steps: stepsOf(job) },
    ...{ device, precision, threads, microTokens },
    ...{ order: "sequential", preset: "trl" },
    ...{ learningRate: 1e-6, schedule: "constant" },
    tuning: job.tuning === "full"
      ? { kind: "full" }
      : { kind: "lora", ...ADAPTER, targets: "all-linear" },
  };
}

/** Tokens and needed operations of a step of each profile. */
async function workOf(
  job: DeviceJob,
): Promise<Pick<ProfileTimes, "tokens" | "needed">[]> {
  const config = await readConfig(job.model);
  const trained = job.tuning === "full"
    ? parameterNames(config)
    : loraParameters(config, {
      ...ADAPTER,
      targets: linearParameters(config).map(({ name }) => name),
    });
  const one = { ...job, steps: 0 };
  const rows = profiledRows(one, config.vocabSize);
  return job.profiles.map((_, i) => {
    const some = rows.slice(i * job.batch, (i + 1) * job.batch);
    return {
      tokens: some.reduce((sum, row) => sum + rowTokens(row), 0),
      needed: totalNeeded(neededFlops({ config, trained }, some)),
    };
  });
}
