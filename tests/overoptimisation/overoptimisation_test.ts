import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { ANSWERS, numberOf } from "experiments/answers/world.ts";
import { CLAIMS } from "experiments/overoptimisation/claims.ts";
import { OVEROPTIMISATION } from "experiments/overoptimisation/experiment.ts";
import { overoptimisationFigure } from "experiments/overoptimisation/figure.ts";
import { PRAISED, proxyRewards } from "experiments/overoptimisation/labels.ts";
import { BONUS, FULL } from "experiments/overoptimisation/settings.ts";
import { bend, type Summary } from "experiments/overoptimisation/summary.ts";
import { judge } from "lib/experiment/claim.ts";
import { experiment } from "lib/experiment/experiment.ts";
import { assertClose } from "../assert_close.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { SMALL_RUN } from "../experiment/small_run.ts";

const DRAWS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const RUNS = DRAWS.map((draw) => ({ draw, seed: 1 }));

/** Runs that never were: how far gold falls by the bonus of the labels. */
function madeUp(
  { falls, asked, bends, leak }: {
    falls: Readonly<Record<number, number>>;
    /** Gold reward of the optimum at each β, from the largest. */
    asked: readonly number[];
    bends: Readonly<Record<number, number>>;
    leak: number;
  },
): Summary {
  // Draws differ a little: equal differences have no p-value of use.
  const overDraws = (value: number) => DRAWS.map((draw) => value + 1e-4 * draw);
  const counts: Record<string, number> = {};
  const settings = FULL.levels.flatMap((level) =>
    FULL.methods.map((method) => {
      const name = `${method.loss} ${level["bonus"]}`;
      const at = counts[name] ?? 0;
      counts[name] = at + 1;
      const optimum = {
        ...{ reward: asked[at]!, kl: 1 + at, klBack: 1, entropy: 2 },
        ...{ chosen: 0.5, rejected: 0.4, unseen: 0.1, illFormed: 0 },
        ...{ populationLoss: 0.5, attainable: 3 },
      };
      const medians = { reward: 0.5, kl: 1, proxy: 1 };
      return {
        ...{ ...method, level, runs: RUNS },
        trajectory: [{ step: 0, medians: { reward: 0, kl: 0, proxy: 0 } }, {
          ...{ step: 192, medians },
        }],
        ends: {
          reward: DRAWS.map(() => 0.5),
          kl: overDraws(1),
          proxy: overDraws(1),
        },
        peaks: overDraws(0.5 + falls[level["bonus"]!]!),
        peakSteps: DRAWS.map(() => 48),
        optima: DRAWS.map((draw) => ({
          ...{ kind: "attained" as const, ...optimum },
          reward: optimum.reward - 1e-4 * draw * at,
        })),
        optimum,
      };
    })
  );
  const curves = FULL.levels.map((level) => ({
    ...{ loss: "dpo", level, runs: RUNS, leaks: overDraws(leak) },
    bends: overDraws(bends[level["bonus"]!]!).map((x, i) =>
      x + 1e-4 * i * level["bonus"]!
    ),
  }));
  return {
    ...{ draws: DRAWS, seeds: [1], settings, curves },
    reference: {
      ...{ wellFormed: 0.98, entropy: 3 },
      attainable: [{ reward: 0, kl: 0 }, { reward: 3, kl: 2 }],
    },
  };
}

const HUMPED = madeUp({
  ...{ falls: { 0: 0.1, [BONUS]: 1 }, asked: [0.7, 0.5, -0.2] },
  ...{ bends: { 0: 0.2, [BONUS]: 0.8 }, leak: 0.1 },
});

const verdictsOf = (summary: Summary) =>
  judge(CLAIMS, summary).map(({ verdict }) => verdict);

Deno.test("claims are shown where gold falls by the proxy, and not where it rises", () => {
  deepEqual(verdictsOf(HUMPED), CLAIMS.map(() => "shown"));
  const risen = madeUp({
    ...{ falls: { 0: 0, [BONUS]: 0 }, asked: [0.5, 0.7, 0.9] },
    ...{ bends: { 0: 0.2, [BONUS]: 0.2 }, leak: 0 },
  });
  deepEqual(verdictsOf(risen), CLAIMS.map(() => "not shown"));
});

Deno.test("a fall that labels by the gold reward have, too, is not the proxy's", () => {
  const both = madeUp({
    ...{ falls: { 0: 1, [BONUS]: 1 }, asked: [0.7, 0.5, -0.2] },
    ...{ bends: { 0: 0.8, [BONUS]: 0.8 }, leak: 0.1 },
  });
  const verdict = (wanted: string) =>
    judge(CLAIMS, both).find(({ id }) => id === wanted)!.verdict;
  equal(verdict("dpo-hump"), "shown");
  equal(verdict("fall-by-proxy"), "not shown");
});

Deno.test("the bend is that of the curve it fits", () => {
  const points = [0.2, 0.5, 1, 1.7].map((d) => [d, d * (3 - 0.7 * d)] as const);
  assertClose([bend(points)], [0.7]);
});

Deno.test("labels praise two words that follow each other, whatever they are worth", () => {
  const praised = ANSWERS.filter((_, i) => PRAISED[i]);
  // "not great" alone, and with any of six words before or after it.
  equal(praised.length, 13);
  const rewards = proxyRewards({ bonus: 2 });
  const [great, notGreat] = [[2, 0], [6, 2, 0]].map(numberOf);
  assertClose([rewards[great!]!, rewards[notGreat!]!], [2, 1]);
});

Deno.test("the title says how far gold falls, with the proxy and without", () => {
  const { title, panels } = overoptimisationFigure(HUMPED);
  match(title, /falls from 1\.50 to 0\.50 .* from 0\.60 to 0\.50/);
  equal(panels.length, 3);
  for (const { data } of panels) {
    const [joined, apart] = data.filter(({ name }) =>
      name?.endsWith("objective")
    );
    deepEqual(joined!.y, [0.7, 0.5, -0.2]);
    deepEqual([joined!.mode, apart!.mode], ["lines+markers", "markers"]);
    const gold = data.find(({ name }) => name === "gold")!;
    deepEqual(gold.y, [0, 0.5]);
  }
});

Deno.test("the experiment, small, measures gold and proxy exactly", async () => {
  using folder = temporaryFolder();
  const settings = {
    ...FULL,
    ...{ draws: [0], pairs: 200, optima: false, evaluation: [2, 4] },
    methods: [{ loss: "hinge", options: { beta: 1 }, learningRate: 3e-3 }],
    referenceModel: { ...FULL.referenceModel, steps: 10, batch: 4 },
    training: { ...FULL.training, steps: 4, batch: 4, warmup: 1 },
  };
  const small = experiment({
    ...OVEROPTIMISATION,
    settings: { ...OVEROPTIMISATION.settings, full: settings },
  });
  const { findings } = await small.run({
    ...SMALL_RUN,
    out: join(folder.path, "small"),
  });
  deepEqual(findings.map(({ id }) => id), CLAIMS.map(({ id }) => id));
  const read = (bonus: number, name: string) =>
    Deno.readTextFileSync(
      join(folder.path, `small/hinge-beta1-bonus${bonus}-draw0-seed1`, name),
    );
  const linesOf = (bonus: number) =>
    read(bonus, "metrics.jsonl").trim().split("\n")
      .map((line) => JSON.parse(line));
  for (const { reward, proxy } of linesOf(0)) equal(proxy, reward);
  const rows = linesOf(BONUS);
  for (const { reward, proxy, praised } of rows) {
    assertClose([proxy], [reward + BONUS * praised]);
  }
  ok(rows[2].kl > 0);
  const [gold, proxy] = [0, BONUS].map((bonus) =>
    JSON.parse(read(bonus, "run.json")).data[0].sha256
  );
  ok(gold !== proxy);
});
