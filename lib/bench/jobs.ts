import type { JobTable } from "../experiment/jobs.ts";
import { ProcessWorker } from "../experiment/process_worker.ts";
import {
  type BaseWeightsJob,
  type BaseWeightsTimes,
  timeBaseWeights,
} from "./base_weights.ts";
import { type Cost, type CostJob, timeCost } from "./cost.ts";
import {
  type DeviceJob,
  type DeviceTimes,
  timeDevice,
} from "./devices/device_run.ts";
import { checkNccl, type NcclCheck } from "./devices/nccl_check.ts";
import { precisionsOf } from "./devices/precisions.ts";
import { followRun, type Trajectory } from "./devices/trajectory.ts";
import {
  type GenerationJob,
  type GenerationTimes,
  timeGeneration,
} from "./generation.ts";
import { type ProductSpeed, productSpeeds } from "./machine.ts";
import { type ProfiledSteps, profileSteps } from "./profiled_steps.ts";
import {
  type LengthProfile,
  type SharedPrompts,
  timeSharedPrompts,
} from "./shared_prompts.ts";
import { integerFault } from "../onnx/devices.ts";
import type { Device, Precision } from "../onnx/providers.ts";
import {
  timeTokenization,
  type TokenizationJob,
  type TokenizationTimes,
} from "./tokenization.ts";
import { type OwnTimes, timeTraining, type TrainingJob } from "./training.ts";

/** Everything that is measured in a process of its own. */
type Measurements = {
  products: {
    input: Parameters<typeof productSpeeds>[0];
    output: ProductSpeed[];
  };
  training: { input: TrainingJob; output: OwnTimes };
  integerFault: { input: null; output: string | null };
  baseWeights: { input: BaseWeightsJob; output: BaseWeightsTimes };
  precisions: { input: Device; output: Precision[] };
  device: { input: DeviceJob; output: DeviceTimes };
  trajectory: { input: DeviceJob; output: Trajectory };
  nccl: { input: Parameters<typeof checkNccl>[0]; output: NcclCheck };
  profile: { input: TrainingJob; output: ProfiledSteps };
  cost: { input: CostJob; output: Cost };
  sharedPrompts: {
    input: { profile: LengthProfile; rounds: number; threads: number };
    output: SharedPrompts;
  };
  generation: { input: GenerationJob; output: GenerationTimes };
  tokenization: { input: TokenizationJob; output: TokenizationTimes };
};

/** Makes the jobs of a process; a worker's process calls it. */
export function createJobs(_setup: null): Promise<JobTable<Measurements>> {
  return Promise.resolve({
    jobs: {
      products: productSpeeds,
      training: timeTraining,
      integerFault,
      baseWeights: timeBaseWeights,
      precisions: precisionsOf,
      device: timeDevice,
      trajectory: followRun,
      nccl: checkNccl,
      profile: profileSteps,
      cost: timeCost,
      sharedPrompts: timeSharedPrompts,
      generation: timeGeneration,
      tokenization: timeTokenization,
    },
    release: () => Promise.resolve(),
  });
}

/** Measures in a fresh process, so that peaks of memory are its own. */
export async function measured<N extends keyof Measurements>(
  name: N,
  input: Measurements[N]["input"],
): Promise<Measurements[N]["output"]> {
  const worker = await ProcessWorker.create<Measurements>({
    url: import.meta.url,
    setup: null,
  });
  try {
    return await worker.run(name, input);
  } finally {
    await worker.release();
  }
}
