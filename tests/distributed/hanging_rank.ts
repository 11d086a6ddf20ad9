import { MpiGroup } from "lib/distributed/mpi.ts";

// One rank of mpi_test.ts: the first one fails, and the second one hangs.
const group = MpiGroup.join();
await group.gather(null);
if (group.rank === 0) {
  await group.fail("It has failed", { patience: 50 });
  await Deno.stdout.write(new TextEncoder().encode("rank 0 ends all\n"));
  group.abort(3);
}
await new Promise((resolve) => setTimeout(resolve, 60_000));
