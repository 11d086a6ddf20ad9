import { join } from "node:path";
import { MpiGroup } from "../../distributed/mpi.ts";
import { countParameters } from "../../models/parameters.ts";
import type { Trainer } from "../../train/trainer.ts";
import { type OwnTimes, timeTraining, type TrainingJob } from "../training.ts";
import { timeCalls, type TimedCalls } from "./timed_calls.ts";

/** What the processes of one job took, as the first one saw it. */
export interface RankTimes extends OwnTimes, TimedCalls {
  /** Numbers in the gradient that they sum up. */
  readonly floats: number;
}

/** Lengths besides the gradient's, from which latency and bandwidth show. */
const LENGTHS = [2 ** 12, 2 ** 16, 2 ** 20, 2 ** 23];

/** Names the folder in which a rank finds its job. */
export const FOLDER = "PREFGRAD_RANK_FOLDER";
/** Files of the folder: the job, and what the first rank measured. */
export const [JOB, TIMES] = ["job.json", "times.json"] as const;

/** Takes the part of one rank in a measured run; the first one writes the times. */
export async function runRank(folder: string): Promise<void> {
  const text = await Deno.readTextFile(join(folder, JOB));
  const job: TrainingJob = JSON.parse(text);
  const group = MpiGroup.join();
  let floats = 0;
  const onTrained = ({ options: { policy } }: Trainer) => {
    floats = countParameters(policy.trained);
  };
  const times = await timeTraining(job, { group, onTrained });
  const calls = await timeCalls(group, [...LENGTHS, floats]);
  const found: RankTimes = { ...times, ...calls, floats };
  if (group.rank === 0) {
    await Deno.writeTextFile(join(folder, TIMES), JSON.stringify(found));
  }
  await group.end();
}
