import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { memoryBytes, sizesOf } from "lib/bench/ranks/cluster.ts";
import {
  type ClusterStep,
  clusterSteps,
} from "lib/bench/ranks/cluster_steps.ts";
import {
  fittedCosts,
  predictedSteps,
  type RankCosts,
  ringBytes,
  stepSeconds,
} from "lib/bench/ranks/fitted_costs.ts";
import { assertClose } from "../../assert_close.ts";

const COSTS: RankCosts = {
  perStep: 0.2,
  perToken: 0.004,
  perCall: 1e-4,
  perExample: 1e-6,
  perByte: 1e-9,
};
const MACHINE = { cores: 2, threads: 1 };
const FLOATS = 5_000_000;
const SHARES = [1, 0.52, 0.27];

/** Processes that take exactly what the costs say. */
const PROCESSES = [1, 2, 4].flatMap((ranks, i) =>
  [8, 16].map((batch) => {
    const share = SHARES[i]!;
    const tokens = [100 * batch, 120 * batch];
    const inTurn = Math.max(1, ranks / 2);
    const steps = tokens.map((tokens) =>
      stepSeconds(COSTS, {
        ...{ ranks, examples: batch, tokens, share, floats: FLOATS, inTurn },
      })
    );
    const reductions = [1000, FLOATS].map((floats) => ({
      floats,
      seconds: 2e-5 + COSTS.perByte * ringBytes(floats, ranks),
    }));
    return {
      ...{ ranks, batch, round: 0, tokens, steps, shares: [share, share] },
      ...{ floats: FLOATS, reductions },
      ...{ gather: COSTS.perCall, gatherExample: COSTS.perExample },
      ...{ load: 1, reference: 1, first: 1, peakMemoryBytes: 1 },
    };
  })
);

Deno.test("costs are found again in steps that follow them", () => {
  const found = fittedCosts(PROCESSES, MACHINE);
  for (const [name, cost] of Object.entries(COSTS)) {
    const value = Object.entries(found).find(([key]) => key === name)![1];
    assertClose([value], [cost], { what: name, tolerance: 1e-6 });
  }
});

Deno.test("predictions are of each number of ranks and batch, cores shared too", () => {
  const steps = predictedSteps(PROCESSES, MACHINE);
  deepStrictEqual(
    steps.map(({ ranks, batch, inTurn }) => [ranks, batch, inTurn]),
    [[1, 8, 1], [1, 16, 1], [2, 8, 1], [2, 16, 1], [4, 8, 2], [4, 16, 2]],
  );
  for (const { predicted, measured, ranks, efficiency } of steps) {
    assertClose([predicted], [measured]);
    if (ranks === 1) strictEqual(efficiency, 1);
    else ok(efficiency < 1);
  }
});

Deno.test("a ring of N ranks sends 2 (N − 1) / N of an array", () => {
  deepStrictEqual([1, 2, 4].map((ranks) => ringBytes(100, ranks)), [
    0,
    400,
    600,
  ]);
});

const STEPS = clusterSteps(COSTS, [20, 30, 30, 40, 90]);
const find = (wanted: Partial<ClusterStep>) =>
  STEPS.find((step) =>
    Object.entries(wanted).every(([name, value]) =>
      Object.entries(step).some(([key, found]) =>
        key === name && found === value
      )
    )
  )!;

Deno.test("a cluster's ranges hold their medians, and efficiency is a share", () => {
  for (const { seconds, efficiency, summing } of STEPS) {
    for (const { low, median, high } of [seconds, efficiency, summing]) {
      ok(0 < low && low <= median && median <= high);
    }
    ok(efficiency.high < 1 && summing.high < 1);
  }
});

Deno.test("adapters are summed at a small part of what all weights cost", () => {
  const [lora, full] = (["lora", "full"] as const).map((tuning) =>
    find({ model: "8 B", tuning, gpus: 1000, pairs: 4000 })
  );
  ok(lora!.summing.high < full!.summing.low);
  ok(lora!.efficiency.low > full!.efficiency.high);
  const few = find({ model: "8 B", tuning: "lora", gpus: 1000, pairs: 512 });
  // Half of the GPUs have no pair.
  ok(few.efficiency.high < 0.512);
});

Deno.test("models have the sizes of their names", () => {
  const of = (model: "1 B" | "8 B") => sizesOf({ model, tuning: "lora" });
  strictEqual(of("1 B").weights, 1_235_814_400);
  strictEqual(of("8 B").weights, 8_030_261_248);
  strictEqual(of("8 B").trained, 41_943_040);
  const full = { model: "8 B", tuning: "full" } as const;
  strictEqual(memoryBytes(full), 32 * 8_030_261_248);
});
