import { deepStrictEqual } from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { prepareRun } from "lib/run/plan.ts";
import { assertSameOnRanks, sharedParts } from "lib/run/same_on_ranks.ts";
import { TRAIN_SETTINGS } from "lib/run/settings.ts";
import { onEveryRank } from "../distributed/local_groups.ts";
import { inMemory, SETTINGS } from "./in_memory.ts";

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

Deno.test("every setting is the same on all ranks, except those of a machine's size", async () => {
  const { settings, identity } = await prepareRun(SETTINGS, inMemory());
  const names = Object.keys(TRAIN_SETTINGS.entries);
  deepStrictEqual(names.sort(), Object.keys(settings).sort());
  const expected = sharedParts({ settings, identity }, {});
  const free = names.filter((name) => {
    const other = { [name]: "another" };
    const run = {
      settings: { ...settings, ...other },
      identity: name in identity ? { ...identity, ...other } : identity,
    };
    return isDeepStrictEqual(sharedParts(run, {}), expected);
  });
  deepStrictEqual(free, ["recomputeLayers", "threads"]);
  const paths = {
    model: "elsewhere",
    data: "elsewhere",
    evalData: "elsewhere",
  };
  const moved = { settings: { ...settings, ...paths }, identity };
  deepStrictEqual(sharedParts(moved, {}), expected);
  for (const name of ["resume", "finish"] as const) {
    const parts = sharedParts({ settings, identity }, { [name]: true });
    deepStrictEqual(parts, { ...expected, [name]: true });
  }
});
