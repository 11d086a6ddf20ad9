import { MpiGroup } from "lib/distributed/mpi.ts";

// One rank of mpi_test.ts: shows what it is given by all.
const group = MpiGroup.join();
const { rank, size } = group;
const sums = Float32Array.of(rank + 1, 10 * rank, -0.5);
await group.allReduce(sums);
const gathered = await group.gather({
  rank,
  text: "long".repeat(1000 * rank),
  numbers: new Map([["not finite", [NaN, -Infinity, 1 / 3 + rank]]]),
  floats: Float32Array.of(rank, 0.1),
});
const facts = { rank, size, library: group.library, sums, gathered };
await group.end();
await Deno.writeTextFile(Deno.args[rank]!, Deno.inspect(facts, { depth: 9 }));
