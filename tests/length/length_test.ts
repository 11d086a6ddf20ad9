import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { populationOf } from "experiments/answers/world.ts";
import { CLAIMS } from "experiments/length/claims.ts";
import { LENGTH } from "experiments/length/experiment.ts";
import { lengthFigure } from "experiments/length/figure.ts";
import { FULL, PER_TOKEN } from "experiments/length/settings.ts";
import { type Summary, tokensAt } from "experiments/length/summary.ts";
import {
  ANSWERS,
  chosenOf,
  correlation,
  labelRewards,
  measure,
  sampleAnswer,
  tokenLogProbs,
} from "experiments/length/world.ts";
import { judge } from "lib/experiment/claim.ts";
import { experiment } from "lib/experiment/experiment.ts";
import { findLoss } from "lib/losses/registry.ts";
import { optimum } from "lib/loss_tools/optimum.ts";
import { Rng } from "lib/rng.ts";
import { logSoftmax } from "lib/stats/distribution.ts";
import { assertClose } from "../assert_close.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { SMALL_RUN } from "../experiment/small_run.ts";

const DRAWS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
/** Tokens of π_ref in made-up runs. */
const START = 2.7;

/** A reference that likes well-formed answers. */
const REFERENCE = logSoftmax(
  ANSWERS.map(({ ids, isWellFormed }) =>
    (isWellFormed ? 6 : 0) - 0.7 * ids.length
  ),
);

/** Runs that never were: tokens of a loss at a level of labels. */
function madeUp(
  tokensOf: (loss: string, perToken: number) => number,
  correlationOf: (loss: string) => number,
): Summary {
  // Draws differ a little: equal differences have no p-value of use.
  const overDraws = (value: number) =>
    DRAWS.map((draw) => value * (1 + 1e-4 * draw));
  const settings = FULL.levels.flatMap((level) =>
    FULL.methods.map((method) => {
      const tokens = tokensOf(method.loss, level["perToken"]!);
      const medians = { reward: 0.6, tokens };
      return {
        ...{ ...method, level, atGain: overDraws(tokens) },
        runs: DRAWS.map((draw) => ({ draw, seed: 1 })),
        starts: DRAWS.map(() => START),
        trajectory: [{ step: 0, medians: { reward: 0, tokens: START } }, {
          ...{ step: 96, medians },
        }],
        ends: {
          tokens: overDraws(tokens),
          chosenTokens: DRAWS.map(() => START + 0.1),
          correlation: overDraws(correlationOf(method.loss)),
        },
        optimum: { reward: 0.75, tokens, kl: 0.4 },
      };
    })
  );
  return { draws: DRAWS, seeds: [1], settings };
}

const verdictsOf = (summary: Summary) =>
  judge(CLAIMS, summary).map(({ verdict }) => verdict);

/** DPO writes as long as papers say, and no other loss does. */
const SAID = madeUp(
  (loss, perToken) => loss === "dpo" ? 3 + perToken : START,
  (loss) => loss === "dpo" ? 0.6 : 0.3,
);

Deno.test("claims are shown where DPO alone writes longer, and not where none does", () => {
  deepEqual(verdictsOf(SAID), CLAIMS.map(() => "shown"));
  const none = madeUp(() => START, () => 0.3);
  deepEqual(verdictsOf(none), CLAIMS.map(() => "not shown"));
});

Deno.test("a loss that writes longer than DPO refutes its claim alone", () => {
  const long = madeUp(
    (loss, perToken) => loss === "ln-dpo" ? 3.8 : perToken ? 3.3 : START,
    () => 0.3,
  );
  const opposite = judge(CLAIMS, long)
    .filter(({ verdict }) => verdict === "opposite");
  deepEqual(opposite.map(({ id }) => id), ["ln-dpo-shorter"]);
});

Deno.test("tokens are read where gold has risen first, between checkpoints", () => {
  const rows = [[-0.1, 2.7], [0.3, 3.1], [0.5, 3.3], [0, 2]]
    .map(([reward, tokens], i) => ({
      ...{ step: i, reward: reward!, tokens: tokens! },
    }));
  assertClose([tokensAt(rows, 0.5)!], [3.2]);
  equal(tokensAt(rows, 0.7), null);
});

Deno.test("of 121 strings 8 are answers, whose length is worth nothing", () => {
  equal(new Set(ANSWERS.map(({ ids }) => ids.join())).size, 121);
  const answers = ANSWERS.filter(({ isWellFormed }) => isWellFormed);
  deepEqual(answers.map(({ ids }) => ids.join(" ")).sort(), [
    ...["1 0", "1 3 0", "1 3 3 0", "1 3 3 3"],
    ...["2 0", "2 3 0", "2 3 3 0", "2 3 3 3"],
  ]);
  const rng = new Rng(1);
  const texts = new Set(answers.map(({ ids }) => ids.join()));
  for (let i = 0; i < 50; i++) ok(texts.has(sampleAnswer(rng).join()));
  const chosen = chosenOf(REFERENCE, { perToken: 0 });
  const best = logSoftmax(
    REFERENCE.map((x, i) => x + ANSWERS[i]!.reward),
  );
  const [there, here] = [best, REFERENCE].map((logProbs) =>
    measure(logProbs, { reference: REFERENCE, chosen })
  );
  ok(there!.reward > here!.reward + 0.5);
  ok(Math.abs(there!.tokens - here!.tokens) < 0.1);
});

Deno.test("labels that like tokens choose longer answers; R-DPO that knows how much undoes it", async () => {
  const [fair, biased] = [0, PER_TOKEN].map((perToken) =>
    chosenOf(REFERENCE, { perToken })
  );
  ok(biased!.tokens > fair!.tokens + 0.05);
  const tokensOf = async (loss: string, perToken: number) => {
    const options = loss === "dpo"
      ? { beta: 1 }
      : { beta: 1, alpha: PER_TOKEN };
    const rewards = labelRewards({ perToken });
    const found = await optimum(
      findLoss(loss),
      populationOf(REFERENCE, rewards, ANSWERS),
      options,
    );
    ok(found.kind === "attained");
    const given = { reference: REFERENCE, chosen: biased! };
    return measure(found.logProbs, given).tokens;
  };
  const wanted = await tokensOf("dpo", 0);
  ok(await tokensOf("dpo", PER_TOKEN) > wanted + 0.2);
  assertClose([await tokensOf("r-dpo", PER_TOKEN)], [wanted], {
    tolerance: 1e-5,
  });
});

Deno.test("tokens share what their answer has, and what may follow them", () => {
  const tokens = tokenLogProbs(REFERENCE);
  assertClose(
    tokens.map((each) => each.reduce((a, b) => a + b, 0)),
    REFERENCE,
    { tolerance: 1e-12 },
  );
  const first = ANSWERS.flatMap(({ ids }, i) =>
    ids.length === 2 ? [Math.exp(tokens[i]![0]!)] : []
  );
  const empty = ANSWERS.findIndex(({ ids }) => ids.length === 1);
  const total = first.reduce((a, b) => a + b, Math.exp(REFERENCE[empty]!));
  assertClose([total], [1], { tolerance: 1e-12 });
});

Deno.test("the correlation weighs outcomes by their probability", () => {
  const equally = logSoftmax([0, 0, 0]);
  assertClose([correlation(equally, [1, 2, 3], [2, 4, 6])], [1]);
  const never = logSoftmax([0, 0, -Infinity]);
  assertClose([correlation(never, [1, 2, 9], [4, 3, 9])], [-1]);
});

Deno.test("the title says what R-DPO and DPO write at the same gold reward", () => {
  const { title, panels } = lengthFigure(SAID);
  match(title, /R-DPO writes 2\.70 .* DPO writes 3\.50; .*model writes 2\.70/);
  const optima = panels[0]!.data.filter(({ name }) => name === "DPO's optimum");
  // Without the bias, and with it to the right.
  deepEqual(optima.map(({ y }) => y), [[3], [3.5]]);
  ok(optima[0]!.x[0]! < optima[1]!.x[0]!);
});

Deno.test("the experiment, small, measures lengths exactly", async () => {
  using folder = temporaryFolder();
  const settings = {
    ...FULL,
    ...{ draws: [0], pairs: 100, optima: true, evaluation: [2, 4] },
    methods: [{ loss: "ld-dpo", options: { beta: 1 }, learningRate: 3e-3 }],
    referenceModel: { ...FULL.referenceModel, steps: 10, batch: 4 },
    training: { ...FULL.training, steps: 4, batch: 4, warmup: 1 },
  };
  const small = experiment({
    ...LENGTH,
    settings: { ...LENGTH.settings, full: settings },
  });
  const { findings } = await small.run({
    ...SMALL_RUN,
    out: join(folder.path, "small"),
  });
  deepEqual(findings.map(({ id }) => id), CLAIMS.map(({ id }) => id));
  const read = (perToken: number, name: string) =>
    Deno.readTextFileSync(
      join(
        folder.path,
        `small/ld-dpo-beta1-perToken${perToken}-draw0-seed1`,
        name,
      ),
    );
  const rows = read(PER_TOKEN, "metrics.jsonl").trim().split("\n")
    .map((line) => JSON.parse(line));
  deepEqual(rows.map(({ step }) => step), [0, 2, 4]);
  ok(rows.every(({ tokens }) => tokens > 1 && tokens < 4));
  ok(rows[2].kl > 0);
  const [fair, biased] = [0, PER_TOKEN].map((perToken) =>
    JSON.parse(read(perToken, "run.json"))
  );
  ok(fair.data[0].sha256 !== biased.data[0].sha256);
  equal(biased.summary.optimum.kind, "none");
});
