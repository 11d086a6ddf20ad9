import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { CLAIMS } from "experiments/micro/claims.ts";
import { MICRO } from "experiments/micro/experiment.ts";
import { microFigure } from "experiments/micro/figure.ts";
import { FULL } from "experiments/micro/settings.ts";
import type { MicroSetting, Summary } from "experiments/micro/summary.ts";
import { type Place, PLACES } from "experiments/answers/world.ts";
import { judge } from "lib/experiment/claim.ts";
import { experiment } from "lib/experiment/experiment.ts";
import { nameOf } from "lib/experiment/figure_parts.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { SMALL_RUN } from "../experiment/small_run.ts";

const DRAWS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

/** Shares of the answers of the data and of ill-formed ones. */
interface Given {
  readonly data: number;
  readonly illFormed: number;
}

function shares({ data, illFormed }: Given): Record<Place, number> {
  const chosen = data - 0.1;
  const unseen = 1 - data - illFormed;
  return { chosen, rejected: 0.1, unseen, illFormed };
}

const START = { data: 0.9, illFormed: 0.01 };
const MEASURES = { reward: 1, kl: 0.5, klBack: 0.6, entropy: 2 };

/** Runs that never were. */
function madeUp(
  endOf: (loss: string) => Given,
  { shortfall, wanted }: { shortfall: number; wanted: number },
): Summary {
  // Draws differ a little: equal differences have no p-value of use.
  const overDraws = (value: number, spread = 1e-5) =>
    DRAWS.map((draw) => value + spread * draw);
  const { chosen, rejected, unseen, illFormed } = shares(START);
  const starts = {
    chosen: overDraws(chosen, 0),
    rejected: overDraws(rejected, 0),
    unseen: overDraws(unseen, 0),
    illFormed: overDraws(illFormed, 0),
  };
  const settings = FULL.methods.map((method): MicroSetting => {
    const optimum = {
      ...{ ...MEASURES, ...shares({ data: 0.95, illFormed: wanted }) },
      ...{ populationLoss: 0.6, attainable: MEASURES.reward + shortfall },
    };
    return {
      ...{ ...method, level: {}, name: nameOf(method), trajectory: [] },
      runs: DRAWS.map((draw) => ({ draw, seed: 1 })),
      ends: Object.fromEntries(
        Object.entries({ ...MEASURES, ...shares(endOf(method.loss)) })
          .map(([name, value]) => [name, overDraws(value)]),
      ),
      starts,
      optima: DRAWS.map(() => ({ kind: "attained", ...optimum })),
      optimum,
    };
  });
  const reference = {
    ...{ wellFormed: 0.99, entropy: 3 },
    attainable: [{ reward: 0, kl: 0 }, { reward: 3, kl: 2 }],
  };
  return { draws: DRAWS, seeds: [1], reference, settings };
}

const displacing = madeUp(
  (loss) => loss === "dpo" ? { data: 0.8, illFormed: 0.15 } : START,
  { shortfall: 0.5, wanted: 0.001 },
);

const verdictsOf = (summary: Summary) =>
  judge(CLAIMS, summary).map(({ verdict }) => verdict);

Deno.test("claims are shown where DPO alone leaves, and not where nothing does", () => {
  deepEqual(verdictsOf(displacing), CLAIMS.map(() => "shown"));
  const still = madeUp(() => START, { shortfall: 0, wanted: 0.001 });
  deepEqual(verdictsOf(still), CLAIMS.map(() => "not shown"));
  const others = madeUp(
    (loss) => loss === "dpo" ? { data: 0.99, illFormed: 0 } : START,
    { shortfall: 0, wanted: 0.001 },
  );
  deepEqual(
    verdictsOf(others),
    CLAIMS.map(({ id }) =>
      id.includes("stays") || id === "dpo-leaves-data"
        ? "opposite"
        : "not shown"
    ),
  );
});

Deno.test("ill-formed answers are displaced only where the objective does not ask for them", () => {
  const asked = madeUp(
    () => ({ data: 0.8, illFormed: 0.15 }),
    { shortfall: 0.5, wanted: 0.2 },
  );
  const found = judge(CLAIMS, asked).find(({ id }) => id === "dpo-ill-formed");
  equal(found!.verdict, "not testable");
  match(found!.reason, /0\.2000 against 0\.0100/);
});

Deno.test("the title and the bars say where the probability is", () => {
  const { title, panels } = microFigure(displacing);
  match(title, /from 1\.0 % to 15 %; its objective asks for 0\.1 %/);
  for (const { data } of panels.slice(0, 2)) {
    equal(data.length, PLACES.length);
    equal(data[0]!.x[0], "π<sub>ref</sub>");
    for (const [i] of data[0]!.x.entries()) {
      const total = data.reduce((sum, { y }) => sum + y[i]!, 0);
      ok(Math.abs(total - 100) < 0.1);
    }
  }
});

Deno.test("the experiment, small, measures its runs exactly", async () => {
  using folder = temporaryFolder();
  const settings = {
    ...FULL,
    ...{ draws: [0], pairs: 8, optima: true, evaluation: [2, 4] },
    methods: ["sft", "dpop"].map((loss) => ({
      ...{ loss, options: {}, learningRate: 3e-3 },
    })),
    referenceModel: { ...FULL.referenceModel, steps: 10, batch: 4 },
    training: { ...FULL.training, steps: 4, batch: 4, warmup: 1 },
  };
  const small = experiment({
    ...MICRO,
    settings: { ...MICRO.settings, full: settings },
  });
  const { findings } = await small.run({
    ...SMALL_RUN,
    out: join(folder.path, "micro"),
  });
  deepEqual(findings.map(({ id }) => id), CLAIMS.map(({ id }) => id));
  const read = (name: string) =>
    Deno.readTextFileSync(join(folder.path, "micro", name));
  for (const loss of ["sft", "dpop"]) {
    const rows = read(`${loss}-draw0-seed1/metrics.jsonl`).trim().split("\n")
      .map((line) => JSON.parse(line));
    deepEqual(rows.map(({ step }) => step), [0, 2, 4]);
    for (const row of rows) {
      const total = PLACES.reduce((sum, place) => sum + row[place], 0);
      ok(Math.abs(total - 1) < 1e-9);
    }
    equal(rows[0].kl, 0);
    ok(rows[2].kl > 0 && rows[2].klBack > 0);
  }
  const optimumOf = (loss: string) =>
    JSON.parse(read(`${loss}-draw0-seed1/run.json`)).summary.optimum;
  const { kind, populationLoss, reward, attainable } = optimumOf("sft");
  equal(kind, "attained");
  ok(reward <= attainable);
  const [first] = read("sft-draw0-seed1/metrics.jsonl").split("\n");
  ok(populationLoss < JSON.parse(first!).populationLoss);
  equal(optimumOf("dpop").kind, "none");
});
