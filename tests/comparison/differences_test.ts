import { deepEqual, equal, ok } from "node:assert/strict";
import {
  addedDifferences,
  meanOver,
  pairedDifferences,
  winRate,
} from "experiments/comparison/differences.ts";
import type { SettingRuns } from "lib/experiment/summary.ts";
import type { RunRecord } from "lib/record/record.ts";

type Summary = RunRecord["summary"];

/** Runs of a method with such summaries, seed by seed. */
function setting(loss: string, summaries: readonly Summary[]): SettingRuns {
  return {
    method: { loss, options: {}, learningRate: 1 },
    level: {},
    runs: summaries.map((summary, seed) => ({
      ...{ draw: 0, seed, rows: [] },
      record: { summary } as RunRecord,
    })),
  };
}

const scoresOf = (scores: number[]): Summary => ({ scores });

Deno.test("a win rate is of scores above those before training", () => {
  equal(winRate(scoresOf([2, 1, 0, 5]), scoresOf([1, 1, 1, 1])), 0.625);
  equal(winRate({ answers: [] }, { answers: [] }), null);
});

Deno.test("win rates are compared with one half and with the first method", () => {
  const reference = scoresOf(Array(8).fill(0));
  const up = scoresOf(Array(8).fill(1));
  const down = scoresOf(Array(8).fill(-1));
  const found = addedDifferences(
    [setting("dpo", [up, down]), setting("kto", [up, up])],
    reference,
  );
  deepEqual(
    found.map((
      { measure, name, from, estimate },
    ) => [measure, name, from, estimate]),
    [
      ["winRate", "dpo", null, 0],
      ["winRate", "kto", null, 0.5],
      ["winRate", "kto", "dpo", 0.5],
    ],
  );
  const [same, better] = found;
  equal(same!.p, 1);
  // All of 8 prompts agree: 2 of 2⁸ flips of their signs do, and Holm of 3.
  ok(Math.abs(better!.p - 3 * 2 / 2 ** 8) < 1e-9);
});

Deno.test("choices are compared with those before training, question by question", () => {
  const choices = (mc1: number[], mc2: number[]): Summary => ({
    choices: { mc1, mc2 },
  });
  const found = addedDifferences(
    [setting("dpo", [choices([1, 1], [0.5, 0.5]), choices([0, 1], [0.5, 1])])],
    choices([0, 1], [0.25, 0.75]),
  );
  deepEqual(
    found.map((
      { measure, from, estimate, low, high },
    ) => [measure, from, estimate, low, high]),
    [
      ["mc1", null, 0.25, -1, 1],
      ["mc2", null, 0.125, -1, 1],
    ],
  );
  deepEqual(addedDifferences([setting("dpo", [{}])], {}), []);
});

Deno.test("Holm counts the differences that are judged together", () => {
  const differences = [1, 1, 1, 1, 1, 1, 1, 1];
  const [alone] = pairedDifferences([{ name: "a", differences, stream: "a" }]);
  const [first, second] = pairedDifferences(
    ["a", "b"].map((name) => ({ name, differences, stream: name })),
  );
  deepEqual([first!.p, second!.p], [2 * alone!.p, 2 * alone!.p]);
  deepEqual(meanOver([[1, 2], [3, 6]]), [2, 4]);
});
