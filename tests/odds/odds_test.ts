import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import {
  ANSWERS,
  gainsOf,
  numberOf,
  populationOf,
  PROMPT,
} from "experiments/answers/world.ts";
import { CLAIMS } from "experiments/odds/claims.ts";
import { ODDS_EXPERIMENT } from "experiments/odds/experiment.ts";
import { oddsFigure } from "experiments/odds/figure.ts";
import { neverChosen, TREATMENT, WRITER } from "experiments/odds/jobs.ts";
import { ODDS_RATIO, PROBABILITY_RATIO } from "experiments/odds/ratios.ts";
import { FULL, OFF_POLICY } from "experiments/odds/settings.ts";
import type { OddsSetting, Summary } from "experiments/odds/summary.ts";
import { judge } from "lib/experiment/claim.ts";
import { experiment } from "lib/experiment/experiment.ts";
import { nameOf } from "lib/experiment/figure_parts.ts";
import { readRuns } from "lib/experiment/records.ts";
import { Rng } from "lib/rng.ts";
import { assertClose } from "../assert_close.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { SMALL_RUN } from "../experiment/small_run.ts";

const DRAWS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

interface Gains {
  readonly chosen: number;
  readonly rejected: number;
}

/** Runs that never were. */
function madeUp(
  gainsOf: (name: string, isOffPolicy: boolean) => Gains,
): Summary {
  // Draws differ a little: equal differences have no p-value of use.
  const overDraws = (value: number) => DRAWS.map((draw) => value + 1e-5 * draw);
  const settings = FULL.methods.flatMap((method) =>
    FULL.levels.map((level): OddsSetting => {
      const name = nameOf(method);
      const { chosen, rejected } = gainsOf(name, "offPolicy" in level);
      const medians = { chosenGain: chosen, rejectedGain: rejected };
      return {
        ...{ ...method, level, name },
        runs: DRAWS.map((draw) => ({ draw, seed: 1 })),
        early: overDraws(rejected),
        ends: {
          chosenGain: overDraws(chosen),
          rejectedGain: overDraws(rejected),
          neverChosenGain: overDraws(rejected),
          ...{ reward: overDraws(1), kl: overDraws(0.5) },
        },
        trajectory: [
          { step: 0, medians: { chosenGain: 0, rejectedGain: 0 } },
          { step: 96, medians },
        ],
        optimum: { ...medians, reward: 1, kl: 0.5 },
      };
    })
  );
  return { draws: DRAWS, seeds: [1], settings };
}

/** As the paper has it. */
const reported = madeUp((name) => {
  if (name === "sft") return { chosen: 2, rejected: 1 };
  const fall = name.startsWith("orpo-probability") ? 4 : 2;
  return name.endsWith("λ 1")
    ? { chosen: -0.5, rejected: -fall }
    : { chosen: 1, rejected: 0.5 };
});

const verdictsOf = (summary: Summary) =>
  Object.fromEntries(
    judge(CLAIMS, summary).map(({ id, verdict }) => [id, verdict]),
  );

Deno.test("claims are shown where runs do as the paper has it", () => {
  const ids = CLAIMS.map(({ id }) => id);
  deepEqual(
    verdictsOf(reported),
    Object.fromEntries(ids.map((id) => [id, "shown"])),
  );
});

Deno.test("claims fall one by one where runs do otherwise", () => {
  const still = verdictsOf(madeUp(() => ({ chosen: 0, rejected: 0 })));
  for (const { id } of CLAIMS) {
    equal(still[id], id === "ratio-sharper" ? "shown" : "not shown", id);
  }
  const otherwise = verdictsOf(madeUp((name, isOffPolicy) => {
    if (name === "sft") return { chosen: 1, rejected: isOffPolicy ? 1 : -1 };
    const fall = name.startsWith("orpo-probability") ? 1 : 2;
    return { chosen: 1, rejected: name.endsWith("λ 1") ? -fall : -9 };
  }));
  deepEqual(otherwise, {
    "sft-raises-rejected": "shown",
    "sft-raises-never-chosen": "shown",
    "sft-raises-own": "opposite",
    "ratio-sharper": "shown",
    "ratio-further": "opposite",
    "ratio-faster": "opposite",
    "lambda-separates": "opposite",
    "lambda-both-fall": "opposite",
  });
});

Deno.test("the title says the gains, and paths have names", () => {
  const { title, panels } = oddsFigure(reported);
  match(title, /^SFT moves rejected answers by \+1\.00 nats .* by \+1\.00 /);
  match(title, /odds ratio takes another.s to −2\.00, .* ratio to −4\.00$/);
  for (const { layout: { annotations = [] } } of panels.slice(0, 2)) {
    deepEqual(annotations.map(({ text }) => text).sort(), [
      ...["SFT", "odds ratio", "probability ratio"],
    ]);
  }
});

Deno.test("densities are those of uniform samples", () => {
  const rng = new Rng("ratios");
  const pairs = Array.from(
    { length: 20_000 },
    () => [rng.uniform(), rng.uniform()] as const,
  );
  const laws = [
    [PROBABILITY_RATIO, (p: number) => Math.log(p)],
    [ODDS_RATIO, (p: number) => Math.log(p / (1 - p))],
  ] as const;
  for (const [{ density, deviation }, log] of laws) {
    const samples = pairs.map(([w, l]) => log(w) - log(l));
    const square = samples.reduce((sum, x) => sum + x * x, 0) / samples.length;
    assertClose([Math.sqrt(square)], [deviation], { tolerance: 0.05 });
    for (const at of [-3, -1, 0, 0.5, 2]) {
      const near = samples.filter((x) => Math.abs(x - at) < 0.1).length;
      const share = near / samples.length;
      ok(Math.abs(share / 0.2 - density(at)) < 0.02, `${at}`);
    }
    // Nothing breaks where a formula would divide 0 by 0.
    assertClose([density(1e-3 + 1e-9)], [density(0)], { tolerance: 1e-3 });
    ok(density(800) >= 0);
  }
});

const UNIFORM = ANSWERS.map(() => -Math.log(ANSWERS.length));

Deno.test("another writer has answers of three words alone", () => {
  const task = {
    point: { draw: 0, seed: 1, level: OFF_POLICY },
    ...{ reference: UNIFORM, settings: { ...FULL, pairs: 300 } },
  };
  const rowsAt = (level: { offPolicy?: number }) =>
    TREATMENT.rows!({
      ...task,
      point: { ...task.point, level },
      rng: new Rng(1),
    });
  const { pairs, source } = rowsAt(OFF_POLICY);
  match(source!, /another writer/);
  const answers = new Set(
    pairs.flatMap(({ completions }) => completions.map(numberOf)),
  );
  equal(answers.size, 20);
  for (const i of answers) {
    const { ids, isWellFormed } = ANSWERS[i]!;
    ok(isWellFormed && ids.length === 3 && !ids.includes(0));
  }
  equal(rowsAt({}).source, undefined);
  const population = TREATMENT.population!(UNIFORM, OFF_POLICY);
  assertClose(population.compared!, WRITER.map(Math.exp));
  deepEqual(
    TREATMENT.population!(UNIFORM, {}).answers,
    populationOf(UNIFORM).answers,
  );
});

Deno.test("the rejected that are never chosen are told from the others", () => {
  const [good, bad, awful] = [[1, 0], [3, 0], [4, 0]] as const;
  const pairs = [[good, bad], [bad, awful]]
    .map((completions) => ({ prompt: PROMPT, completions }));
  const logProbs = [...UNIFORM];
  logProbs[numberOf(bad)]! += 1;
  logProbs[numberOf(awful)]! -= 2;
  const given = { reference: UNIFORM, pairs };
  assertClose([neverChosen(logProbs, given)["neverChosenGain"]!], [-2]);
  assertClose([gainsOf(logProbs, given).rejectedGain], [-0.5]);
  const all = [...pairs, { prompt: PROMPT, completions: [awful, bad] }];
  deepEqual(neverChosen(logProbs, { reference: UNIFORM, pairs: all }), {});
});

Deno.test("the experiment, small, trains on both writers' pairs", async () => {
  using folder = temporaryFolder();
  const settings = {
    ...FULL,
    ...{ draws: [0], pairs: 12, evaluation: [2, 4] },
    methods: FULL.methods.filter(({ loss }) => loss === "sft"),
    referenceModel: { ...FULL.referenceModel, steps: 10, batch: 4 },
    training: { ...FULL.training, steps: 4, batch: 4, warmup: 1 },
  };
  const small = experiment({
    ...ODDS_EXPERIMENT,
    settings: { ...ODDS_EXPERIMENT.settings, full: settings },
  });
  const out = join(folder.path, "odds");
  await small.run({ ...SMALL_RUN, out });
  const runs = new Map(
    (await readRuns(out)).map((run) => [run.record.name, run]),
  );
  for (const level of ["", "-offPolicy1"]) {
    const { record, rows } = runs.get(`sft${level}-draw0-seed1`)!;
    equal(rows[0]!["chosenGain"], 0);
    ok(rows.at(-1)!["chosenGain"]! > rows.at(-1)!["rejectedGain"]!);
    match(record.data[0]!.source, level ? /another writer/ : /reference model/);
  }
});
