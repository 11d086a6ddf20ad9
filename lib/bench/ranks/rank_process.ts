import { FOLDER, runRank } from "./rank_job.ts";

// One of the processes that mpirun starts for measureRanks().
await runRank(Deno.env.get(FOLDER)!);
