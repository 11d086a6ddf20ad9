import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { CLAIMS } from "experiments/displacement/claims.ts";
import { DISPLACEMENT } from "experiments/displacement/experiment.ts";
import { displacementFigure } from "experiments/displacement/figure.ts";
import {
  ALIKE,
  ALONE,
  DOSES,
  FILTERED,
  FULL,
  TUNED,
} from "experiments/displacement/settings.ts";
import type {
  DisplacementSetting,
  Summary,
} from "experiments/displacement/summary.ts";
import {
  drawPairs,
  drawWorld,
  likenessOf,
  measurePairs,
} from "experiments/displacement/world.ts";
import { judge } from "lib/experiment/claim.ts";
import { experiment } from "lib/experiment/experiment.ts";
import { nameOf } from "lib/experiment/figure_parts.ts";
import type { Level } from "lib/experiment/grid.ts";
import { Rng } from "lib/rng.ts";
import { assertClose } from "../assert_close.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { SMALL_RUN } from "../experiment/small_run.ts";

const { draws } = FULL;

/** Measures at the end of runs that never were. */
type Ends = (loss: string, level: Level) => Record<string, number>;

function madeUp(endsOf: Ends): Summary {
  // Draws differ a little: equal differences have no p-value of use.
  const overDraws = (value: number) => draws.map((draw) => value + 1e-5 * draw);
  const settings = FULL.methods.flatMap((method) =>
    FULL.levels.map((level): DisplacementSetting => {
      const ends = endsOf(method.loss, level);
      return {
        ...{ ...method, level, name: nameOf({ ...method, level }) },
        trajectory: [],
        runs: draws.map((draw) => ({ draw, seed: 1 })),
        ends: Object.fromEntries(
          Object.entries(ends).map(([name, value]) => [name, overDraws(value)]),
        ),
        starts: { chosen: overDraws(0.4), rejected: overDraws(0.1) },
        chosenPaths: overDraws(ends["chosen"]!).map((end) => [0.4, end]),
      };
    })
  );
  const reference = { answers: 0.98, likeliest: 0.5, klFromWorld: 0.3 };
  return { draws, seeds: [1], settings, reference };
}

const STILL = {
  ...{ chosenGain: 0, rejectedGain: -1, fell: 0.1, accuracy: 0.9 },
  ...{ chosen: 0.4, rejected: 0.1, same: 0, opposite: 0 },
  ...{ oppositeOfStronger: 0, oppositeOfWeaker: 0 },
};

/** As the paper says, of losses that it says it of. */
const displaced = madeUp((loss, level) => {
  const isPlain = ["dpo", "ipo"].includes(loss);
  return isPlain && level["likeness"] === 1
    ? {
      ...STILL,
      ...{ chosenGain: -0.5, rejectedGain: -3, fell: 0.7, chosen: 0.2 },
      oppositeOfStronger: 0.2,
    }
    : { ...STILL, chosenGain: level["filtered"] === 0 ? 0 : 0.3 };
});

const verdictsOf = (summary: Summary) =>
  judge(CLAIMS, summary).map(({ verdict }) => verdict);

Deno.test("claims are shown where alike pairs displace, and not where nothing moves", () => {
  deepEqual(verdictsOf(displaced), CLAIMS.map(() => "shown"));
  deepEqual(verdictsOf(madeUp(() => STILL)), CLAIMS.map(() => "not shown"));
});

Deno.test("a remedy that no longer tells pairs apart is not testable", () => {
  const lazy = madeUp((loss) => ({
    ...STILL,
    ...loss === "dpop" && { chosenGain: 1, accuracy: 0.5 },
  }));
  const found = judge(CLAIMS, lazy).find(({ id }) => id === "dpop-remedy")!;
  equal(found.verdict, "not testable");
  match(found.reason, /0\.50 against 0\.90/);
});

Deno.test("the title says the dose, and lines name each loss", () => {
  const { title, panels: [dose], tables } = displacementFigure(displaced);
  match(title, /lowers 70 % .* 10 % where it is least alike/);
  deepEqual(
    dose!.data.map(({ name }) => name),
    FULL.methods.map(({ loss }) => loss),
  );
  assertClose(dose!.data[0]!.y.map(Number), [0.3, 0.3, -0.5], {
    tolerance: 1e-3,
  });
  deepEqual(tables[1]!.rows.map((row) => row.slice(0, 3)), [
    ["after SFT", "dpo", "10 of 10"],
    ["after SFT", "ipo", "10 of 10"],
    ["π_ref", "dpo", "10 of 10"],
    ["π_ref", "ipo", "10 of 10"],
  ]);
  // Ten draws of both losses whose runs on one prompt the paper has.
  equal(tables[2]!.rows.length, 40);
});

const WORLD = { answers: 6, prompts: 8, features: 2, sharpness: 1 };

Deno.test("probability of each prompt sums to 1, and half of the answers take each stance", () => {
  const { meanings, truth } = drawWorld(3, WORLD);
  deepEqual(
    meanings.map(([stance]) => Math.sign(stance!)),
    [1, 1, 1, -1, -1, -1],
  );
  for (const logProbs of truth) {
    assertClose([logProbs.reduce((sum, x) => sum + Math.exp(x), 0)], [1]);
  }
});

Deno.test("likeness is the cosine of rows of the head, whatever they share", () => {
  const rows = [[1, 0], [-1, 0], [0, 2], [0, -2]].map(([x, y]) => [
    ...[x! + 5, y! - 7],
  ]);
  const likeness = likenessOf(
    new Map([
      ["lm_head.weight", Float32Array.from([...rows.flat(), 9, 9])],
      ["model.norm.weight", Float32Array.of(1, 1)],
    ]),
    4,
  );
  assertClose(
    [likeness(0, 1), likeness(0, 2), likeness(2, 2)],
    [-1, 0, 1],
  );
});

Deno.test("doses take the least and the most alike rival, and a filter leaves out alike pairs", () => {
  const { truth: reference } = drawWorld(1, WORLD);
  // Answers on a line: neighbours are alike.
  const likeness = (a: number, b: number) => -Math.abs(a - b) - b / 100;
  const draw = (level: Level) =>
    drawPairs({ level, reference, likeness, rng: new Rng("pairs") });
  const [least, , most] = DOSES.map((level) => draw(level).measured);
  for (const [i, { prompt, chosen, rejected }] of most!.entries()) {
    equal(prompt, i);
    equal(Math.abs(chosen - rejected), 1);
    equal(least![i]!.chosen, chosen);
    equal(least![i]!.rejected, chosen < 3 ? 5 : 0);
  }
  deepEqual(draw(ALONE).trained, most!.slice(0, 1));
  const { trained, measured } = draw(FILTERED);
  deepEqual([trained.length, measured.length], [4, 8]);
  const alike = ({ chosen, rejected }: typeof measured[number]) =>
    likeness(chosen, rejected);
  const left = measured.filter((pair) => !trained.includes(pair));
  ok(Math.max(...trained.map(alike)) <= Math.min(...left.map(alike)));
  ok(measured.every(({ chosen, rejected }) => chosen !== rejected));
});

Deno.test("measures say where the probability of a pair went", () => {
  const before = [0.4, 0.3, 0.2, 0.1].map(Math.log);
  const now = [0.3, 0.1, 0.25, 0.35].map(Math.log);
  // Answers 0 and 1 agree, 1 the more strongly; 2 and 3 refuse.
  const meanings = [[1], [2], [-1], [-2]];
  const measured = (chosen: number, rejected: number) =>
    measurePairs([now], {
      reference: [before],
      pairs: [{ prompt: 0, chosen, rejected }],
      meanings,
    });
  const found = measured(0, 1);
  assertClose(
    [found["chosenGain"]!, found["opposite"]!, found["same"]!],
    [Math.log(0.75), 0.3, 0],
  );
  assertClose([found["oppositeOfStronger"]!], [0.3]);
  deepEqual(
    [found["oppositeOfWeaker"], found["fell"], found["accuracy"]],
    [null, 1, 1],
  );
  assertClose([measured(1, 0)["oppositeOfWeaker"]!], [0.3]);
  assertClose([measured(3, 0)["same"]!, measured(3, 0)["opposite"]!], [
    ...[0.05, -0.2],
  ]);
});

Deno.test("the experiment, small, trains on as many pairs as its levels say", async () => {
  using folder = temporaryFolder();
  const settings = {
    ...FULL,
    ...{ draws: [0], levels: [ALIKE, ALONE, TUNED, FILTERED] },
    evaluation: [2, 4],
    methods: FULL.methods.filter(({ loss }) => loss === "dpo+sft"),
    world: { ...FULL.world, answers: 8, prompts: 8 },
    referenceModel: { ...FULL.referenceModel, steps: 20, batch: 8 },
    training: { ...FULL.training, steps: 4, batch: 4, warmup: 1 },
  };
  const out = join(folder.path, "displacement");
  const small = experiment({
    ...DISPLACEMENT,
    settings: { ...DISPLACEMENT.settings, full: settings },
  });
  const { findings } = await small.run({ ...SMALL_RUN, out });
  deepEqual(findings.map(({ id }) => id), CLAIMS.map(({ id }) => id));
  const read = (name: string) => Deno.readTextFileSync(join(out, name));
  const starts = new Map<string, number>();
  for (
    const [level, pairs] of [
      ...[["likeness1", 8], ["likeness1-prompts1", 1]],
      ...[["likeness1-prompts1-sft1", 1], ["filtered1", 4]],
    ] as const
  ) {
    const run = `dpo+sft-beta0.1-${level}-draw0-seed1`;
    const { data } = JSON.parse(read(`${run}/run.json`));
    equal(data[0].counts.rows, pairs);
    const rows = read(`${run}/metrics.jsonl`).trim().split("\n")
      .map((line) => JSON.parse(line));
    deepEqual(rows.map(({ step }) => step), [0, 2, 4]);
    deepEqual([rows[0].chosenGain, rows[0].opposite], [0, 0]);
    ok(rows[2].chosenGain > rows[2].rejectedGain);
    starts.set(level, rows[0].chosen);
  }
  // SFT has raised the chosen answer that training starts from.
  const alone = "likeness1-prompts1";
  ok(starts.get(`${alone}-sft1`)! > 1.5 * starts.get(alone)!);
});
