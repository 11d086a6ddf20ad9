import { deepStrictEqual } from "node:assert/strict";
import { assertSameOnRanks } from "lib/run/same_on_ranks.ts";
import { onEveryRank } from "../distributed/local_groups.ts";

/** The message of each rank's error; null where there is none. */
function messages(parts: Parameters<typeof assertSameOnRanks>[1][]) {
  return onEveryRank(
    parts.length,
    (group) =>
      assertSameOnRanks(group, parts[group.rank]!)
        .then(() => null, ({ message }: Error) => message),
  );
}

Deno.test("ranks that agree go on", async () => {
  const parts = { model: "a", options: { beta: 0.1 }, evalData: null };
  deepStrictEqual(await messages([parts, { ...parts }, { ...parts }]), [
    null,
    null,
    null,
  ]);
});

Deno.test("all ranks are told of the first that differs, and in which part", async () => {
  const parts = { data: "a", options: { beta: 0.1 } };
  const other = { ...parts, options: { beta: 0.2 } };
  const message =
    "Cannot train on 3 ranks: options/beta is 0.2 on rank 2 and 0.1 on rank 0; expected the same settings, data, model and code on all";
  deepStrictEqual(
    await messages([parts, parts, other]),
    Array(3).fill(message),
  );
});
