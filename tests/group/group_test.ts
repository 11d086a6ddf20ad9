import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { ANSWERS, numberOf, REWARDS } from "experiments/answers/world.ts";
import { CLAIMS } from "experiments/group/claims.ts";
import { GROUP } from "experiments/group/experiment.ts";
import { groupFigure } from "experiments/group/figure.ts";
import {
  allPairs,
  sampleLists,
  settingsAt,
  TREATMENT,
} from "experiments/group/jobs.ts";
import { FULL } from "experiments/group/settings.ts";
import { bestOf, findForm, type Summary } from "experiments/group/summary.ts";
import { tokensOf } from "experiments/group/tokens.ts";
import { judge } from "lib/experiment/claim.ts";
import { experiment } from "lib/experiment/experiment.ts";
import { gridPoints, type Level } from "lib/experiment/grid.ts";
import { readRuns } from "lib/experiment/records.ts";
import { Rng } from "lib/rng.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { SMALL_RUN } from "../experiment/small_run.ts";

const DRAWS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

/** Runs that never were, and the best that they pass. */
function madeUp(bestAt: (level: Level, loss: string) => number): Summary {
  const settings = FULL.methods.flatMap(({ levels = [], ...method }) =>
    levels.map((level) => {
      // Draws differ a little: equal differences have no p-value of use.
      const best = bestAt(level, method.loss);
      const bests = DRAWS.map((draw) => best * (1 + draw / 1000));
      return {
        ...{ ...method, level, bests, trajectory: [] },
        runs: DRAWS.map((draw) => ({ draw, seed: 1 })),
        ends: { reward: bests, kl: bests, illFormed: bests },
      };
    })
  );
  return { draws: DRAWS, seeds: [1], settings };
}

const verdictsOf = (summary: Summary) =>
  judge(CLAIMS, summary).map(({ verdict }) => verdict);

const reported = madeUp((level, loss) =>
  level["list"] === 2 ? 0.5 : loss === "dpo" ? 1 : 1.5
);

Deno.test("claims are shown where lists beat their pairs, and these single pairs", () => {
  deepEqual(verdictsOf(reported), CLAIMS.map(() => "shown"));
});

Deno.test("claims are the opposite where the order is reversed, and not shown where all are equal", () => {
  const reversed = madeUp((level, loss) =>
    level["list"] === 2 ? 1.5 : loss === "dpo" ? 1 : 0.5
  );
  deepEqual(verdictsOf(reversed), CLAIMS.map(() => "opposite"));
  const equal = madeUp(() => 1);
  deepEqual(verdictsOf(equal), CLAIMS.map(() => "not shown"));
});

Deno.test("the title has the four forms, and each panel names its lines", () => {
  const { title, panels } = groupFigure(reported);
  match(title, /0\.50 with pairs, 1\.51 .* eight, 1\.01 .* pairs, 1\.01 with/);
  const names = panels.map(({ layout: { annotations = [] } }) =>
    annotations.map(({ text }) => text).sort()
  );
  const forms = ["all pairs", "best, worst", "lists"];
  deepEqual(names.slice(0, 2), [forms, forms]);
  equal(names[2]!.length, 4);
});

Deno.test("each form has its runs, and two answers are a pair in all of them", () => {
  const pairs = findForm(reported, { form: "list", list: 2 });
  equal(pairs, findForm(reported, { form: "extremes", list: 2, cost: true }));
  const cost = findForm(reported, { form: "all", list: 8, cost: true })!;
  deepEqual(cost.level, { list: 8, all: 1, cost: 1 });
  equal(gridPoints({ ...FULL, draws: [0] }).length, 11);
});

Deno.test("the best on the way is of reward less half of KL", () => {
  const rows = [[0, 0], [1, 0.5], [1.2, 2]].map(([reward, kl], step) => ({
    ...{ step, reward: reward!, kl: kl! },
  }));
  equal(bestOf(rows), 0.75);
  equal(bestOf([...rows, { step: 3, reward: null, kl: 1 }]), null);
});

const UNIFORM = ANSWERS.map(() => -Math.log(ANSWERS.length));

function rowsAt(level: Level) {
  return TREATMENT.rows!({
    ...{ point: { draw: 0, seed: 1, level }, reference: UNIFORM },
    ...{ settings: FULL, rng: new Rng(1) },
  });
}

Deno.test("as many answers make fewer lists, and a step takes as many of them", () => {
  const counts = (level: Level) => {
    const { pairs, ranked } = rowsAt(level);
    return [
      ...[ranked!.length, pairs.length],
      settingsAt(FULL, level).training.batch,
    ];
  };
  deepEqual(counts({ list: 2 }), [48, 48, 8]);
  deepEqual(counts({ list: 4, all: 1 }), [24, 144, 24]);
  deepEqual(counts({ list: 8, all: 1 }), [12, 336, 56]);
  deepEqual(counts({ list: 8, all: 1, cost: 1 }), [12, 336, 8]);
  deepEqual(counts({ list: 8, extremes: 1 }), [12, 12, 2]);
  deepEqual(counts({ list: 8, extremes: 1, cost: 1 }), [48, 48, 8]);
});

Deno.test("pairs of a list keep its order, the extremes its ends", () => {
  const list = { prompt: [0], completions: [[1], [2], [3]] };
  deepEqual(allPairs(list).map(({ completions }) => completions), [
    ...[[[1], [2]], [[1], [3]], [[2], [3]]],
  ]);
  const { ranked, pairs } = rowsAt({ list: 4, extremes: 1 });
  deepEqual(
    pairs.map(({ completions }) => completions),
    ranked!.map(({ completions: [best, , , worst] }) => [best, worst]),
  );
});

Deno.test("ranks follow Plackett and Luce: of two, Bradley and Terry", () => {
  const [good, bad] = [1, 3].map((word) => numberOf([word, 0]));
  const two = UNIFORM.map((_, i) =>
    i === good || i === bad ? Math.log(0.5) : -Infinity
  );
  const options = { count: 20_000, size: 2, rng: new Rng(2) };
  const mixed = sampleLists(two, options)
    .map(({ completions }) => completions.map(numberOf))
    .filter(([first, second]) => first !== second);
  const wins = mixed.filter(([first]) => first === good).length / mixed.length;
  const expected = 1 / (1 + Math.exp(REWARDS[bad!]! - REWARDS[good!]!));
  ok(Math.abs(wins - expected) < 0.012, `${wins}, ${expected}`);
});

Deno.test("tokens are counted with the prompt once for a row", () => {
  deepEqual(tokensOf(4, { prompt: 10, answer: 1 }), {
    ...{ shared: 14, apart: 44, pairs: 72, pairsApart: 132 },
  });
});

Deno.test("the experiment, small, trains on lists and on their pairs", async () => {
  using folder = temporaryFolder();
  const small = experiment({
    ...GROUP,
    settings: {
      ...GROUP.settings,
      full: {
        ...FULL,
        ...{ draws: [0], pairs: 8, evaluation: [3] },
        methods: FULL.methods.map((method) => ({
          ...method,
          levels: method.levels!.slice(-1),
        })),
        referenceModel: { ...FULL.referenceModel, steps: 10, batch: 4 },
        training: { ...FULL.training, steps: 3, warmup: 1 },
      },
    },
    figure: () => ({ title: "", text: [], panels: [], tables: [] }),
  });
  const out = join(folder.path, "group");
  await small.run({ ...SMALL_RUN, out });
  const rows = new Map(
    (await readRuns(out)).flatMap(({ record: { name, data } }) =>
      data.map(({ counts }) => [name, counts.rows] as const)
    ),
  );
  equal(rows.get("listwise-dpo-beta1-list8-draw0-seed1"), 2);
  equal(rows.get("dpo-beta1-cost1-extremes1-list8-draw0-seed1"), 8);
});
