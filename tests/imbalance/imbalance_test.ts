import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import {
  ANSWERS,
  bestPolicy,
  populationOf,
  samplePairs,
} from "experiments/answers/world.ts";
import { netReward } from "experiments/answers/criteria.ts";
import { CLAIMS } from "experiments/imbalance/claims.ts";
import { IMBALANCE } from "experiments/imbalance/experiment.ts";
import { imbalanceFigure } from "experiments/imbalance/figure.ts";
import {
  TREATMENT,
  winRate,
  withoutDropped,
} from "experiments/imbalance/jobs.ts";
import { FULL } from "experiments/imbalance/settings.ts";
import type {
  ImbalanceSetting,
  Summary,
} from "experiments/imbalance/summary.ts";
import { judge } from "lib/experiment/claim.ts";
import { experiment } from "lib/experiment/experiment.ts";
import { gridPoints } from "lib/experiment/grid.ts";
import { readRuns } from "lib/experiment/records.ts";
import { Rng } from "lib/rng.ts";
import { assertClose } from "../assert_close.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { SMALL_RUN } from "../experiment/small_run.ts";

const DRAWS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

interface Given {
  readonly winRate: number;
  readonly net: number;
  readonly optimumNet: number;
}

type Told = Pick<ImbalanceSetting, "loss" | "level" | "isWeighted">;

/** Runs that never were. */
function madeUp(endOf: (setting: Told) => Given): Summary {
  const settings = FULL.methods.flatMap(({ levels = FULL.levels, ...method }) =>
    levels.map((level): ImbalanceSetting => {
      const isWeighted = Object.keys(method.options).length > 1;
      const end = endOf({ loss: method.loss, level, isWeighted });
      // Draws differ a little: equal differences have no p-value of use.
      const overDraws = (value: number) =>
        DRAWS.map((draw) => value + 1e-5 * draw * (isWeighted ? 1 : 2));
      const optimum = {
        ...{ kind: "limit" as const, kl: 1, winRate: 0.8 },
        reward: end.optimumNet + 0.5,
      };
      return {
        ...{ ...method, level, isWeighted, trajectory: [] },
        runs: DRAWS.map((draw) => ({ draw, seed: 1 })),
        ends: {
          winRate: overDraws(end.winRate),
          ...{ reward: overDraws(end.net + 0.5), kl: overDraws(1) },
          illFormed: overDraws(0.02),
        },
        nets: overDraws(end.net),
        optima: DRAWS.map((draw) => ({
          ...optimum,
          reward: optimum.reward + 1e-5 * draw * (isWeighted ? 1 : 2),
        })),
      };
    })
  );
  return { draws: DRAWS, seeds: [1], settings };
}

const isDropped = ({ level }: Told) => Object.keys(level).length > 0;
const GOOD = { winRate: 0.7, net: 2, optimumNet: 2 };
const BAD = { winRate: 0.3, net: 1, optimumNet: 1 };

/** As the paper has it; the desirable are worse to lose. */
const reported = madeUp((setting) => {
  if (setting.loss === "dpo") return { ...GOOD, winRate: 0.69 };
  if (!isDropped(setting)) return GOOD;
  if (!setting.isWeighted) return BAD;
  return "dropDesirable" in setting.level ? { ...GOOD, net: 1.5 } : GOOD;
});

const verdictsOf = (summary: Summary) =>
  judge(CLAIMS, summary).map(({ verdict }) => verdict);

Deno.test("claims are shown where weights undo what dropping does", () => {
  deepEqual(verdictsOf(reported), CLAIMS.map(() => "shown"));
});

Deno.test("not worse is as good, or worse by less than the margin", () => {
  const [same, little, much] = [0, 0.04, 0.06].map((less) =>
    verdictsOf(
      madeUp(({ loss }) =>
        loss === "dpo" ? GOOD : { ...GOOD, winRate: GOOD.winRate - less }
      ),
    ).slice(0, 3)
  );
  deepEqual(same, ["shown", "shown", "shown"]);
  deepEqual(little, same);
  deepEqual(much, ["opposite", "opposite", "opposite"]);
});

Deno.test("weights that do harm, or nothing, are told", () => {
  const harmful = verdictsOf(
    madeUp(({ isWeighted }) => isWeighted ? BAD : GOOD),
  );
  deepEqual(harmful.slice(3, 7), Array(4).fill("opposite"));
  const idle = verdictsOf(madeUp(() => GOOD));
  deepEqual(idle.slice(3), Array(5).fill("not shown"));
});

Deno.test("the title has three win rates, and each panel names its lines", () => {
  const { title, panels } = imbalanceFigure(reported);
  match(title, /^With 90 % .* wins 70 % .* rule, 30 % .* DPO .* 69 %$/);
  equal(panels.length, 6);
  for (const { layout: { annotations = [] } } of panels) {
    deepEqual(annotations.map(({ text }) => text).sort(), [
      ...["DPO, all pairs", "KTO", "KTO, weighted"],
    ]);
  }
});

Deno.test("weights are for their own level, and DPO is not run at all of them", () => {
  const points = gridPoints({ ...FULL, draws: [0] });
  const ratios = points.filter(({ options }) =>
    Object.keys(options).some((name) => name.endsWith("Weight"))
  ).map(({ options, level }) => {
    const { desirableWeight = 1, undesirableWeight = 1 } = options;
    const { dropDesirable = 0, dropUndesirable = 0 } = level;
    return Number(desirableWeight) * (1 - dropDesirable) /
      (Number(undesirableWeight) * (1 - dropUndesirable));
  });
  // One of them runs again at a smaller rate.
  equal(ratios.length, FULL.levels.length + 1);
  for (const ratio of ratios) ok(Math.abs(ratio - 4 / 3) < 0.01, `${ratio}`);
  equal(points.filter(({ loss }) => loss === "dpo").length, 2);
});

const REFERENCE = ANSWERS.map(() => -Math.log(ANSWERS.length));

Deno.test("labels are dropped from one side, and whole pairs are left", () => {
  const pairs = samplePairs(REFERENCE, { count: 50, rng: new Rng(1) });
  const counts = (level: Record<string, number>) => {
    const { pairs: whole, labelled } = withoutDropped(pairs, level);
    const desirable = labelled!.filter(({ label }) => label).length;
    return [whole.length, desirable, labelled!.length - desirable];
  };
  deepEqual(counts({}), [50, 50, 50]);
  deepEqual(counts({ dropDesirable: 0.9 }), [5, 5, 50]);
  deepEqual(counts({ dropUndesirable: 0.5 }), [25, 50, 25]);
  const { kept } = TREATMENT.population!(REFERENCE, { dropDesirable: 0.5 });
  deepEqual(kept, { desirable: 0.5, undesirable: 1 });
});

Deno.test("a win rate is a half of π_ref, and rises with the reward", () => {
  assertClose([winRate(REFERENCE, REFERENCE)], [0.5]);
  const best = bestPolicy(REFERENCE, 0.01);
  const top = ANSWERS.findIndex(({ reward }) => reward === 4.5);
  const { preference } = populationOf(REFERENCE);
  const wins = ANSWERS.map((_, j) => preference(top, j));
  const expected = wins.reduce((a, b) => a + b, 0) / wins.length;
  assertClose([winRate(best, REFERENCE)], [expected], { tolerance: 1e-6 });
  equal(netReward({ reward: 2, kl: 1 }), 1.5);
});

Deno.test("the experiment, small, trains on as many labels as it says", async () => {
  using folder = temporaryFolder();
  const settings = {
    ...FULL,
    ...{ draws: [0], pairs: 10, evaluation: [4] },
    levels: [{ dropDesirable: 0.9 }],
    methods: [
      { loss: "dpo", options: { beta: 1 }, learningRate: 1e-3 },
      {
        loss: "kto",
        options: { beta: 1, desirableWeight: 13.33 },
        learningRate: 1e-3,
      },
    ],
    referenceModel: { ...FULL.referenceModel, steps: 10, batch: 4 },
    training: { ...FULL.training, steps: 4, batch: 1, warmup: 1 },
  };
  const small = experiment({
    ...IMBALANCE,
    settings: { ...IMBALANCE.settings, full: settings },
  });
  const out = join(folder.path, "imbalance");
  await small.run({ ...SMALL_RUN, out });
  const runs = new Map(
    (await readRuns(out)).map((run) => [run.record.name, run]),
  );
  const end = "dropDesirable0.9-draw0-seed1";
  const [dpo, kto] = [
    runs.get(`dpo-beta1-${end}`)!,
    runs.get(`kto-beta1-desirableWeight13.33-${end}`)!,
  ];
  deepEqual(
    [dpo, kto].map(({ record }) => record.data[0]!.counts.rows),
    [1, 11],
  );
  for (const { rows } of [dpo, kto]) {
    assertClose([rows[0]!["winRate"]!], [0.5]);
    ok(rows.at(-1)!["winRate"] !== 0.5);
  }
});
