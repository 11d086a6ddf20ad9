import { equal, ok, throws } from "node:assert/strict";
import {
  freeMemory,
  leastMemory,
  machineMemory,
  requireMemory,
} from "lib/run/memory.ts";
import { settingsOf } from "../comparison/settings_of.ts";

Deno.test("a process holds its weights once, and of trained ones the optimizer's state", () => {
  const { train } = settingsOf({ model: "m", data: "d" });
  const least = (change: Partial<typeof train>, trainable: number) =>
    leastMemory({ total: 100, trainable }, { ...train, ...change });
  // Values, sums of gradients, two moments of AdamW.
  equal(least({}, 10), 4 * 90 + 4 * 4 * 10);
  equal(least({ optimizer: "sgd" }, 100), 4 * 3 * 100);
  equal(least({ baseWeights: "int4" }, 0), 50);
});

Deno.test("processes that need more memory than there is are refused, with the number that fits", () => {
  const settings = settingsOf({ model: "m", data: "d" }).train;
  const require = (bytes: number, jobs: number) =>
    requireMemory(bytes, {
      ...{ jobs, settings, what: "holds at least", machine: 10e9 },
    });
  require(5e9, 2);
  const message = (jobs: number, size: string, expected: string) =>
    `Cannot run with --jobs ${jobs}: each process holds at least ${size}, and there are 10.0 GB in all; expected ${expected}`;
  throws(() => require(3e9, 4), {
    message: message(4, "3.0 GB", "--jobs 3 or fewer"),
  });
  throws(() => require(6e9, 2), { message: message(2, "6.0 GB", "--jobs 1") });
  throws(() => require(11e9, 2), {
    message: message(
      ...[2, "11.0 GB"] as const,
      "a smaller model, or --base-weights int8 or int4",
    ),
  });
  const alone = (change: Partial<typeof settings>) => () =>
    requireMemory(11e9, {
      ...{ what: "holds at least", machine: 10e9 },
      settings: { ...settings, ...change },
    });
  const reason =
    "Cannot train: the process holds at least 11.0 GB, and there are 10.0 GB in all; expected a smaller model";
  throws(alone({ baseWeights: "int4" }), { message: reason });
  throws(alone({ tuning: { kind: "full" } }), {
    message: `${reason}, or an adapter in place of --full`,
  });
  ok(machineMemory() > 1e8);
});

Deno.test("a process without a limit may use all memory of the machine", () => {
  equal(machineMemory(0), Deno.systemMemoryInfo().total);
  equal(machineMemory(1e6), 1e6);
});

Deno.test("some memory is free, and no more than the machine has", () => {
  ok(freeMemory() > 1e6 && freeMemory() <= Deno.systemMemoryInfo().total);
});
