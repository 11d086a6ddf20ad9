import { deepEqual, equal, match, notDeepEqual, ok } from "node:assert/strict";
import { join } from "node:path";
import { ANSWERS } from "experiments/answers/world.ts";
import { CLAIMS } from "experiments/repeat/claims.ts";
import { REPEAT } from "experiments/repeat/experiment.ts";
import { repeatFigure } from "experiments/repeat/figure.ts";
import { roundedTo, settingsAt, TREATMENT } from "experiments/repeat/levels.ts";
import { FACTORS, FULL } from "experiments/repeat/settings.ts";
import { type Summary, summaryOf } from "experiments/repeat/summary.ts";
import { randomWeights } from "experiments/reviews/reference_model.ts";
import { judge } from "lib/experiment/claim.ts";
import { experiment } from "lib/experiment/experiment.ts";
import type { Level } from "lib/experiment/grid.ts";
import { readRuns } from "lib/experiment/records.ts";
import { linearParameters } from "lib/models/parameters.ts";
import { Rng } from "lib/rng.ts";
import { assertClose } from "../assert_close.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { SMALL_RUN } from "../experiment/small_run.ts";

const DRAWS = [0, 1, 2, 3, 4, 5, 6, 7];
const REWARDS: Readonly<Record<string, number>> = { dpo: 0, kto: 1 };

/** Rewards of runs that never were: that of a loss, and what a level adds. */
function madeUp(
  added: (level: Level, loss: string) => number,
  draws: readonly number[] = DRAWS,
): Summary {
  const settings = FULL.methods.flatMap((method) =>
    FULL.levels.map((level) => {
      // Fixed points differ a little: equal ones have no p-value of use.
      const ends = draws.map((draw) =>
        REWARDS[method.loss]! + (1 + draw / 1000) * added(level, method.loss)
      ).map((end) => Number.isNaN(end) ? null : end);
      return {
        ...{ ...method, level, trajectory: [] },
        runs: draws.map((draw) => ({ draw, seed: 1 })),
        ends: { reward: ends, kl: ends },
      };
    })
  );
  return summaryOf(settings, { draws, seeds: [1] });
}

const SWINGS = (level: Level, size: number) =>
  (Object.values(level)[0] ?? 0) % 2 === 0 ? size : -size;

/** As the papers have it: pairs first, then order and model; the rest nothing. */
const reported = (level: Level) =>
  "pairs" in level
    ? SWINGS(level, 0.5)
    : "order" in level || "model" in level
    ? SWINGS(level, 0.2)
    : 0;

const verdictsOf = (summary: Summary) =>
  judge(CLAIMS, summary).map(({ verdict }) => verdict);

Deno.test("claims are shown where pairs, order and model move a result, and nothing else does", () => {
  const shared = madeUp((level) => "bits" in level ? 0.01 : reported(level));
  deepEqual(verdictsOf(shared), CLAIMS.map(() => "shown"));
});

Deno.test("claims are the opposite where only the computation moves a result", () => {
  const mattersLess = ["opposite", "opposite", "opposite"];
  const summary = madeUp((level) =>
    "bits" in level || "threads" in level || "microTokens" in level ? 0.3 : 0
  );
  deepEqual(verdictsOf(summary), [
    ...mattersLess,
    ...["not shown", "not shown", "opposite", "not shown", "not shown"],
  ]);
});

Deno.test("a comparison gains nothing from the same pairs where they move one method alone", () => {
  const alone = madeUp((level, loss) => loss === "dpo" ? reported(level) : 0);
  equal(verdictsOf(alone)[4], "not shown");
});

Deno.test("draws move by their standard deviation, choices by their distance, in units of DPO − KTO", () => {
  const { units, factors } = madeUp((level) => {
    if ("pairs" in level) return level["pairs"]!;
    return "batch" in level ? level["batch"]! / 4 : 0;
  }, [0]);
  const at = (id: string) => factors.find((factor) => factor.id === id)!;
  assertClose([units.reward, units.kl], 1);
  // Of 0 to 10; of 1 and 4.
  assertClose(at("pairs").moves.reward.dpo.map(Number), Math.sqrt(11));
  assertClose(at("batch").moves.kl.kto.map(Number), Math.sqrt(17 / 2));
  deepEqual(at("batch").moves.kl.difference, [0]);
  deepEqual([at("batch").same, at("threads").same], [0, 1]);
});

Deno.test("a run without a value leaves its fixed point without one", () => {
  const { factors } = madeUp((level) => level["batch"] === 4 ? NaN : 0, [0]);
  const batch = factors.find(({ id }) => id === "batch")!;
  deepEqual(batch.moves.reward.dpo, [null]);
});

Deno.test("the title says what moves DPO, and a bar of no length that it is 0", () => {
  const { title, panels } = repeatFigure(madeUp(reported));
  match(
    title,
    /^DPO's .* by 5\d % with other pairs, 2\d % .* nothing with .*two threads$/,
  );
  const [{ layout: { annotations = [] } }] = panels as [typeof panels[0]];
  equal(annotations.length, FACTORS.filter(({ isRandom }) => !isRandom).length);
  match(
    repeatFigure(madeUp(() => 0)).title,
    /difference, by nothing with other pairs, another order,/,
  );
});

Deno.test("batches of another size make the same passes", () => {
  const { training, evaluation } = settingsAt(FULL, { batch: 4 });
  deepEqual([training.batch, training.steps, training.warmup], [4, 192, 16]);
  deepEqual(evaluation, [192]);
  deepEqual(settingsAt(FULL, { order: 3 }), FULL);
  equal(settingsAt(FULL, { threads: 2 }).training.threads, 2);
});

const REFERENCE = ANSWERS.map(() => -Math.log(ANSWERS.length));

function pairsAt(level: Level) {
  const { pairs } = TREATMENT.rows!({
    ...{ point: { draw: 0, seed: 1, level }, reference: REFERENCE },
    ...{ settings: FULL, rng: new Rng(1) },
  });
  return pairs.map(({ completions }) => JSON.stringify(completions));
}

Deno.test("a level draws other pairs, or the same in another order", () => {
  const base = pairsAt({});
  deepEqual(pairsAt({ model: 1 }), base);
  notDeepEqual(pairsAt({ order: 1 }), base);
  notDeepEqual(pairsAt({ order: 1 }), pairsAt({ order: 2 }));
  deepEqual(pairsAt({ order: 1 }).toSorted(), base.toSorted());
  notDeepEqual(pairsAt({ pairs: 1 }).toSorted(), base.toSorted());
});

Deno.test("a model in fewer bits is rounded in its linear layers alone", async () => {
  const config = {
    ...{ vocabSize: 7, hiddenSize: 8, intermediateSize: 16, layers: 1 },
    ...{ heads: 1, kvHeads: 1, headDim: 8, normEpsilon: 1e-5, maxPositions: 8 },
    ...{ rope: { theta: 100, scaling: null }, tiedHead: false },
    ...{ bosId: 0, eosIds: [0] },
  };
  const weights = randomWeights(config, new Rng(1));
  const isLinear = new Set(linearParameters(config).map(({ name }) => name));
  const errors = await Promise.all([16, 8, 4].map(async (bits) => {
    const rounded = await roundedTo(bits, { config, weights });
    return [...weights].map(([name, values]) => {
      const other = rounded.get(name)!;
      const error = Math.max(...values.map((x, i) => Math.abs(x - other[i]!)));
      if (!isLinear.has(name)) equal(error, 0, name);
      return error;
    });
  }));
  const [half, eight, four] = errors.map((each) => Math.max(...each));
  ok(0 < half! && half! < eight! && eight! < four!, `${errors}`);
});

Deno.test("the experiment, small, changes one factor at a time", async () => {
  using folder = temporaryFolder();
  const settings = {
    ...FULL,
    ...{ draws: [0], evaluation: [4] },
    methods: FULL.methods.slice(0, 1),
    levels: [{}, { model: 1 }, { bits: 4 }, { batch: 1 }, { threads: 2 }],
    referenceModel: { ...FULL.referenceModel, steps: 10, batch: 4 },
    training: { ...FULL.training, steps: 4, batch: 2, warmup: 1 },
  };
  const small = experiment({
    ...REPEAT,
    settings: { ...REPEAT.settings, full: settings },
    // Both methods are needed to tell what moves their difference.
    summarize: () => madeUp(() => 0),
  });
  const out = join(folder.path, "repeat");
  await small.run({ ...SMALL_RUN, out });
  const runs = await readRuns(out);
  const at = (level: string) =>
    runs.find(({ record: { name } }) =>
      name === `dpo-beta1${level}-draw0-seed1`
    )!;
  const base = at("");
  for (const level of ["-model1", "-bits4"]) {
    const { record } = at(level);
    ok(record.model.weights !== base.record.model.weights, level);
    equal(record.data[0]!.sha256, base.record.data[0]!.sha256, level);
  }
  equal(at("-batch1").rows.at(-1)!.step, 8);
  deepEqual(at("-threads2").rows, base.rows);
});
