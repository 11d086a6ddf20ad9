import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { grammarPolicy } from "experiments/answers/world.ts";
import { netReward, PRICE } from "experiments/answers/criteria.ts";
import { CLAIMS, contestsOf, DELTA } from "experiments/bakeoff/claims.ts";
import {
  entrants,
  leftOut,
  optionsToTry,
} from "experiments/bakeoff/entrants.ts";
import { BAKEOFF } from "experiments/bakeoff/experiment.ts";
import { bakeoffFigure } from "experiments/bakeoff/figure.ts";
import { optimumOf } from "experiments/bakeoff/jobs.ts";
import { DPO, FULL, METHODS } from "experiments/bakeoff/settings.ts";
import type { BakeoffSetting, Summary } from "experiments/bakeoff/summary.ts";
import tuning from "experiments/bakeoff/tuning.json" with { type: "json" };
import { judge } from "lib/experiment/claim.ts";
import { experiment } from "lib/experiment/experiment.ts";
import { lossesOf, nameOf } from "lib/experiment/figure_parts.ts";
import { METHOD, type Method } from "lib/experiment/grid.ts";
import { findLoss, LOSSES } from "lib/losses/registry.ts";
import { resolveOptions } from "lib/losses/options.ts";
import { quantile } from "lib/stats/interval.ts";
import * as v from "valibot";
import { assertClose } from "../assert_close.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { SMALL_RUN } from "../experiment/small_run.ts";

/** Enough for 42 claims, and quickly judged. */
const DRAWS = FULL.draws.slice(0, 12);

/** Runs that never were. */
function madeUp(gainIn: (loss: string, draw: number) => number): Summary {
  const settings = METHODS.map((method): BakeoffSetting => {
    const { loss, options } = method;
    const gains = DRAWS.map((draw) => gainIn(loss, draw));
    const kl = DRAWS.map(() => 1);
    return {
      ...{ ...method, level: {}, trajectory: [], gains },
      runs: DRAWS.map((draw) => ({ draw, seed: 1 })),
      ends: { reward: gains.map((x) => x + PRICE), kl, shortfall: kl },
      optimum: loss === "sft"
        ? { loss, options, kind: "none", why: "none was made up" }
        : { loss, options, kind: "attained", reward: 3, kl: 2 },
    };
  });
  return { draws: [...DRAWS], seeds: [1], settings };
}

// Draws differ a little: equal differences have no p-value of use.
const others = (gain: number) =>
  madeUp((loss, draw) => loss === DPO ? 0 : gain + 1e-3 * draw);

const verdictsOf = (summary: Summary) =>
  new Set(
    judge(CLAIMS, summary).map(({ id, verdict }) =>
      id.startsWith("simpo-") ? `simpo ${verdict}` : verdict
    ),
  );

Deno.test("every loss of the registry takes part, or a reason says why not", () => {
  const there = lossesOf(entrants().map((each) => ({ ...each })));
  const reasons = leftOut();
  deepEqual(
    LOSSES.map(({ id }) => id),
    LOSSES.map(({ id }) => id)
      .filter((id) => there.includes(id) !== id in reasons),
  );
  ok(there.length > 40);
  match(reasons["odpo"]!, /ratings/);
  match(reasons["tpo"]!, /ranks lists/);
});

Deno.test("each loss is tried at its default and at the price, where it has numbers", () => {
  deepEqual(optionsToTry(findLoss("dpo")), [{ beta: 0.1 }, { beta: PRICE }]);
  deepEqual(optionsToTry(findLoss("orpo")), [
    ...[{ lambda: 0.1 }, { lambda: PRICE }],
  ]);
  deepEqual(optionsToTry(findLoss("sft")), [{}]);
  for (const { loss, options } of entrants()) {
    resolveOptions(findLoss(loss), options);
  }
});

const TRIALS = v.parse(
  v.array(v.object({
    ...{ ...METHOD.entries, regret: v.number() },
    ends: v.array(v.object({ reward: v.number(), kl: v.number() })),
  })),
  tuning.trials,
);

Deno.test("every loss was tuned with the same rates, on the same draws of its own", () => {
  const { learningRates, settings } = BAKEOFF.tuning;
  deepEqual(tuning.learningRates, learningRates);
  deepEqual([tuning.draws, tuning.seeds], [settings.draws, settings.seeds]);
  ok(!FULL.draws.some((draw) => tuning.draws.includes(draw)));
  const nameWith = (rate: number, method: Omit<Method, "learningRate">) =>
    `${nameOf(method)} ${rate}`;
  const tried = TRIALS.map((trial) => nameWith(trial.learningRate, trial));
  const wanted = entrants().filter(({ loss }) =>
    METHODS.some((method) => method.loss === loss)
  ).flatMap((each) => learningRates.map((rate) => nameWith(rate, each)));
  deepEqual(tried.toSorted(), wanted.toSorted());
  ok(TRIALS.every(({ ends }) => ends.length === tuning.draws.length));
});

Deno.test("each loss has the option and the rate of least regret", () => {
  for (const { ends, regret } of TRIALS) {
    equal(quantile(ends.map((end) => -netReward(end)), 0.5), regret);
  }
  equal(new Set(METHODS.map(({ loss }) => loss)).size, METHODS.length);
  for (const method of METHODS) {
    const own = TRIALS.filter(({ loss }) => loss === method.loss);
    const least = Math.min(...own.map(({ regret }) => regret));
    const chosen = own.find(({ learningRate, ...trial }) =>
      learningRate === method.learningRate && nameOf(trial) === nameOf(method)
    );
    equal(chosen?.regret, least, method.loss);
  }
});

Deno.test("one claim for each loss is shown, opposite or not shown as runs are", () => {
  equal(CLAIMS.length, METHODS.length - 1);
  deepEqual(verdictsOf(others(1)), new Set(["shown", "simpo opposite"]));
  deepEqual(verdictsOf(others(-1)), new Set(["opposite", "simpo shown"]));
  deepEqual(verdictsOf(others(0)), new Set(["not shown", "simpo not shown"]));
});

Deno.test("contests say of each loss whether it is better, SimPO too", () => {
  for (const [gain, verdict] of [[1, "shown"], [-1, "opposite"]] as const) {
    const contests = contestsOf(judge(CLAIMS, others(gain)));
    deepEqual(
      new Set(contests.map((each) => each.verdict)),
      new Set([verdict]),
    );
    for (const { loss, estimate, low, high, values } of contests) {
      assertClose([estimate], [gain + 5.5e-3], { what: loss });
      ok(low <= estimate && estimate <= high, loss);
      equal(values.length, DRAWS.length);
    }
  }
});

Deno.test("the title counts losses, and rows go from the best to the worst", () => {
  const summary = madeUp((loss, draw) =>
    1e-3 * draw + (loss === "simpo" ? -1 : loss === "kto" ? 0.05 : 0)
  );
  const findings = judge(CLAIMS, summary);
  const { title, text, panels, tables } = bakeoffFigure(summary, findings);
  match(
    title,
    /^None of \d+ losses is shown to beat DPO, 1 do worse \(simpo\); /,
  );
  match(title, /SimPO is worse$/);
  const ahead = others(1);
  match(
    bakeoffFigure(ahead, judge(CLAIMS, ahead)).title,
    /^On these \d+ draws (\d+) of \1 losses beat DPO, 0 do worse; SimPO is not shown to be worse$/,
  );
  match(text.join(" "), /Left out: .*odpo \(it reads ratings/);
  match(
    text.join(" "),
    /^.*12 draws .* show a difference of 0\.05 .* would take 11 draws/,
  );
  const [{ data, layout }] = panels as [typeof panels[number]];
  const names = layout.yaxis!.ticktext!.map((text) => text.split(" ")[0]!);
  deepEqual([names[0], names.at(-1)], ["kto", "simpo"]);
  const aims = data.filter(({ marker }) => marker?.symbol === "diamond-open");
  equal(aims.length, CLAIMS.length - 1, "all except SFT");
  ok(aims.every(({ x }) => x[0] === 0));
  const [outcomes, ends] = tables;
  deepEqual(outcomes!.rows.map(([name, count]) => [name, count]), [
    ["better than DPO", 0],
    ["worse than DPO", 1],
    [`not better by ${DELTA}`, CLAIMS.length - 1],
    ["open", 0],
  ]);
  equal(ends!.rows.length, METHODS.length);
});

Deno.test("one draw decides nothing", () => {
  const summary = others(1);
  const one = {
    ...{ ...summary, draws: [0] },
    settings: summary.settings.map((setting) => ({
      ...setting,
      runs: setting.runs.slice(0, 1),
      gains: setting.gains.slice(0, 1),
    })),
  };
  const findings = judge(CLAIMS, one);
  ok(findings.every(({ verdict }) => verdict === "not testable"));
  match(bakeoffFigure(one, findings).title, /too few draws/);
});

Deno.test("DPO's optimum at the price is the best policy by the criterion", async () => {
  const { logProbs, rewards } = grammarPolicy();
  assertClose([logProbs.reduce((sum, x) => sum + Math.exp(x), 0)], [1]);
  const method = { loss: DPO, options: { beta: PRICE }, learningRate: 0 };
  const found = await optimumOf(method);
  ok(found.kind === "attained");
  const weights = logProbs.map((x, i) => Math.exp(x + rewards[i]! / PRICE));
  const best = PRICE * Math.log(weights.reduce((sum, x) => sum + x, 0));
  assertClose([netReward(found)], [best]);
});

Deno.test("the experiment, small, measures gains beside exact optima", async () => {
  using folder = temporaryFolder();
  const full = {
    ...FULL,
    ...{ draws: [0], pairs: 8, evaluation: [4] },
    methods: [DPO, "sft"].map((loss) => ({
      ...{ loss, options: {}, learningRate: 3e-3 },
    })),
    referenceModel: { ...FULL.referenceModel, steps: 10, batch: 4 },
    training: { ...FULL.training, steps: 4, batch: 4, warmup: 1 },
  };
  const small = experiment({
    ...{ ...BAKEOFF, settings: { ...BAKEOFF.settings, full } },
  });
  const { figure } = await small.run({
    ...SMALL_RUN,
    out: join(folder.path, "bakeoff"),
  });
  deepEqual(figure.tables[1]!.rows.map(([name]) => name), ["dpo", "sft"]);
  const read = (name: string) =>
    Deno.readTextFileSync(join(folder.path, "bakeoff", name));
  const { settings }: Summary = JSON.parse(read("summary.json"));
  for (const { ends, gains, optimum } of settings) {
    const [reward, kl] = [ends["reward"]![0]!, ends["kl"]![0]!];
    deepEqual(gains, [netReward({ reward, kl })]);
    ok(ends["shortfall"]![0]! > 0);
    ok(!("populationLoss" in ends));
    equal(optimum.kind, "attained");
  }
});
