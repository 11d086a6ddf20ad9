import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rowTokens } from "../../data/tree_batch.ts";
import type { Example } from "../../data/example.ts";
import { modelFolder } from "../../run/models.ts";
import type { Sections } from "../record.ts";
import { type BenchSettings, type Progress, trainingJob } from "../settings.ts";
import type { TrainingJob } from "../training.ts";
import {
  pairsOfRound,
  type Workload,
  workloadPairs,
  WORKLOADS,
} from "../workloads.ts";
import { largestShare } from "./largest_share.ts";
import { FOLDER, JOB, type RankTimes, TIMES } from "./rank_job.ts";

/** Numbers of processes that are measured in turn. */
const RANKS = [1, 2, 4];
/** Pairs of a step: two sizes, from which the cost of a step itself shows. */
const BATCHES = [8, 16];

/** Measures DPO on the short pairs by processes that mpirun starts. */
export async function measureRanks(
  settings: BenchSettings,
  { onNote }: Pick<Progress<unknown>, "onNote">,
): Promise<Sections["ranks"]> {
  const { model, data, quick, rounds, steps = 2 } = settings;
  const { folder } = await modelFolder(model);
  const pairs = await workloadPairs(data.short, WORKLOADS.short, folder);
  const processes = [];
  for (let round = 0; round < rounds; round++) {
    for (const batch of quick ? BATCHES.slice(0, 1) : BATCHES) {
      const workload = { ...WORKLOADS.short, batch, steps };
      for (const ranks of quick ? RANKS.slice(0, 2) : RANKS) {
        onNote(`ranks: ${ranks} on ${batch} pairs, round ${round + 1}`);
        using job = await trainingJob(settings, workload, { round: 0 });
        const { start: _, ...times } = await timesOf(ranks, job);
        const shares = largestShares(pairs, workload, ranks);
        processes.push({ ranks, batch, round, shares, ...times });
      }
    }
  }
  return { lengths: pairs.map(rowTokens), processes };
}

/** The part of each timed step's tokens that the busiest rank has. */
function largestShares(
  pairs: readonly Example[],
  workload: Workload,
  ranks: number,
): number[] {
  const { batch, steps } = workload;
  const timed = pairsOfRound(pairs, { ...workload, round: 0 }).slice(batch);
  return Array.from({ length: steps }, (_, i) => {
    const costs = timed.slice(i * batch, (i + 1) * batch).map(rowTokens);
    return largestShare(costs, ranks);
  });
}

const PROGRAM = fileURLToPath(new URL("rank_process.ts", import.meta.url));

/** Trains on so many ranks, which may be more than there are cores. */
async function timesOf(
  ranks: number,
  job: Omit<TrainingJob, "loss">,
): Promise<RankTimes> {
  const dpo: TrainingJob = { ...job, loss: "dpo" };
  await Deno.writeTextFile(join(job.cache, JOB), JSON.stringify(dpo));
  const command = new Deno.Command("mpirun", {
    args: [
      ...["--allow-run-as-root", "--oversubscribe", "-n", `${ranks}`],
      ...[Deno.execPath(), "run", "-A", PROGRAM],
    ],
    env: { [FOLDER]: job.cache },
    stdout: "null",
    stderr: "piped",
  });
  const { success, stderr } = await command.output();
  if (success) {
    return JSON.parse(await Deno.readTextFile(join(job.cache, TIMES)));
  }
  throw new Error(
    `Cannot measure ${ranks} ranks: ${new TextDecoder().decode(stderr)}`,
  );
}
