import { equal, ok, throws } from "node:assert/strict";
import { adamW } from "lib/optim.ts";
import { completeSettings } from "lib/run/settings.ts";
import {
  estimateMemory,
  fittingEstimate,
  freeMemory,
  leastMemory,
  machineMemory,
  requireMemory,
  requireStepMemory,
} from "lib/run/memory.ts";
import { fullPolicy } from "lib/models/policy.ts";
import { countParameters, parameterNames } from "lib/models/parameters.ts";
import { LONG_ROWS, trainerOptions, zerosOf } from "../train/long_rows.ts";
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

Deno.test("a run that needs more than is free is refused, with the micro-batch that fits", () => {
  const options = { ...trainerOptions(), microTokens: 4096 };
  const plan = { examples: LONG_ROWS, batches: [[...LONG_ROWS.keys()]] };
  const { train: settings } = settingsOf({ model: "m", data: "d" });
  const needed = (microTokens: number) =>
    estimateMemory({ ...options, microTokens }, plan);
  const require = (free: number) =>
    requireStepMemory(needed(4096), { options, plan, settings, free });
  const size = (bytes: number) => `${(bytes / 1e9).toPrecision(2)} GB`;
  const message = (free: number, expected: string) =>
    `Cannot train: the process needs about ${size(needed(4096).more)}, and ${
      size(free)
    } are free; expected ${expected}`;
  require(needed(4096).more);
  const half = needed(2048).more;
  throws(() => require(half), {
    message: message(half, "--micro-tokens 2048 or fewer"),
  });
  throws(() => require(1e6), {
    message: message(
      1e6,
      "shorter rows (--max-length), or --base-weights int8 or int4",
    ),
  });
});

Deno.test("an estimate has parameters with gradients and the optimizer's state", () => {
  const plan = { examples: LONG_ROWS, batches: [[0]] };
  const options = trainerOptions();
  const { more } = estimateMemory(options, plan);
  const adam = estimateMemory({ ...options, optimizer: adamW() }, plan);
  const parameters = countParameters(options.policy.trained);
  equal(Math.round(adam.more - more), 2 * 4 * parameters);
  const { rss } = Deno.memoryUsage();
  ok(adam.peak > adam.more + rss / 2);
});

Deno.test("a process without a limit may use all memory of the machine", () => {
  equal(machineMemory(0), Deno.systemMemoryInfo().total);
  equal(machineMemory(1e6), 1e6);
});

Deno.test("some memory is free, and no more than the machine has", () => {
  ok(freeMemory() > 1e6 && freeMemory() <= Deno.systemMemoryInfo().total);
});

Deno.test("layers are computed again where a run would not fit otherwise, and no more than need be", () => {
  const base = trainerOptions();
  const config = { ...base.policy.config, layers: 6 };
  const initial = zerosOf(parameterNames(config));
  const options = { ...base, policy: fullPolicy(config, initial) };
  const plan = { examples: LONG_ROWS, batches: [[...LONG_ROWS.keys()]] };
  const needed = (recomputedLayers: number) =>
    estimateMemory({ ...options, recomputedLayers }, plan).more;
  // As settings are that give none.
  const { recomputeLayers } = completeSettings({
    ...{ model: "m", data: "d", loss: "dpo" },
  });
  const chosen = (free: number, given = recomputeLayers) =>
    fittingEstimate(options, plan, { free, recomputeLayers: given })
      .recomputedLayers;
  equal(chosen(needed(0)), 0);
  for (const layers of [2, 5]) {
    equal(chosen(needed(layers)), layers);
    equal(chosen((needed(layers) + needed(layers - 1)) / 2), layers);
  }
  // Where nothing fits, the least.
  equal(chosen(1e6), 5);
  for (const layers of [0, 4]) equal(chosen(1e6, layers), layers);
});
