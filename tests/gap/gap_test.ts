import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { join } from "node:path";
import { CLAIMS } from "experiments/gap/claims.ts";
import { GAP } from "experiments/gap/experiment.ts";
import { gapFigure } from "experiments/gap/figure.ts";
import { FULL } from "experiments/gap/settings.ts";
import { gapTo, type Summary } from "experiments/gap/summary.ts";
import { judge } from "lib/experiment/claim.ts";
import { experiment } from "lib/experiment/experiment.ts";
import { readRuns } from "lib/experiment/records.ts";
import { assertClose } from "../assert_close.ts";
import { TINY } from "../reviews/tiny_settings.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { SMALL_RUN } from "../experiment/small_run.ts";

const DRAWS = [0, 1, 2, 3, 4, 5, 6, 7];
const OPTIMUM = { reward: 2, kl: 1 };

type Length = { passes: number; pairs: number };

/** Runs that never were, and the gaps that they leave. */
function madeUp(
  gapOf: (length: Length) => number,
  draws: readonly number[] = DRAWS,
): Summary {
  const settings = FULL.methods.flatMap((method) =>
    FULL.levels.map((level) => {
      const { passes = 1, pairs = 1 } = level;
      const gap = gapOf({ passes, pairs });
      return {
        ...{ ...method, level, passes, pairs, optimum: OPTIMUM },
        runs: draws.map((draw) => ({ draw, seed: 1 })),
        gaps: draws.map((draw) => gap + draw / 1000),
        ends: {
          goldReward: draws.map(() => 2 - gap),
          kl: draws.map(() => passes * pairs),
        },
        trajectory: [],
      };
    })
  );
  const exact = {
    attainable: [{ beta: 1, ...OPTIMUM }, { beta: 0.1, reward: 3, kl: 4 }],
    ...{ bestOf: [], accuracyCeiling: 1, optima: [] },
  };
  return { draws, seeds: [1], exact, settings };
}

const verdictsOf = (summary: Summary) =>
  judge(CLAIMS, summary).map(({ verdict }) => verdict);

const freshBest = ({ pairs }: Length) => pairs === 8 ? 0.2 : 0.5;

Deno.test("claims are shown where fresh pairs alone narrow the gap", () => {
  deepEqual(verdictsOf(madeUp(freshBest)), CLAIMS.map(() => "shown"));
  deepEqual(verdictsOf(madeUp(() => 0.5)), CLAIMS.map(() => "not shown"));
  const worse = madeUp((length) => 0.7 - freshBest(length));
  deepEqual(verdictsOf(worse), CLAIMS.map(() => "opposite"));
});

Deno.test("seven draws are too few for four claims", () => {
  const few = madeUp(freshBest, DRAWS.slice(1));
  deepEqual(verdictsOf(few), CLAIMS.map(() => "not testable"));
});

Deno.test("a gap is 0 at the optimum, and 1 at the reference and beyond it", () => {
  equal(gapTo(OPTIMUM, OPTIMUM), 0);
  equal(gapTo(OPTIMUM, { reward: 0, kl: 0 }), 1);
  // A fifth less reward, at 1.4 of the root: √((0.2² + 0.4²) / 2).
  assertClose([gapTo(OPTIMUM, { reward: 1.6, kl: 1.96 })], Math.sqrt(0.1));
  equal(gapTo(OPTIMUM, { reward: 2, kl: 100 }), 1);
  equal(gapTo(OPTIMUM, { reward: NaN, kl: NaN }), 1);
});

Deno.test("the figure names each path and optimum, and its title says the gaps", () => {
  const { title, panels: [plane] } = gapFigure(madeUp(freshBest));
  match(title, /^DPO and KTO .* by 50 % and 50 % .* by 20 % and 20 % with 8/);
  const { annotations = [] } = plane!.layout;
  deepEqual(annotations.map(({ text }) => text).sort(), [
    ...["DPO's optimum", "DPO, fresh pairs", "DPO, more passes"],
    ...["KTO's optimum", "KTO, fresh pairs", "KTO, more passes"],
  ]);
  const path = plane!.data.find(({ name, mode }) =>
    name === "DPO, fresh pairs" && mode === "lines+markers"
  )!;
  // Roots of 1 and 8 nats.
  assertClose(path.x.map(Number), [1, Math.sqrt(8)], {
    tolerance: 1e-4,
  });
  for (const { y } of plane!.data) {
    ok(y.every((value) => value !== null && value >= 0 && value <= 4.3));
  }
});

Deno.test("the experiment, small, trains as long as its levels say", async () => {
  using folder = temporaryFolder();
  const settings = {
    ...TINY,
    draws: [0],
    seeds: [1],
    levels: [{}, { passes: 2 }, { pairs: 2 }],
    methods: TINY.methods.slice(0, 2),
    evaluation: { ...TINY.evaluation, steps: [4] },
  };
  const small = experiment({
    ...GAP,
    settings: { ...GAP.settings, full: settings },
  });
  const out = join(folder.path, "gap");
  await small.run({ ...SMALL_RUN, out });
  const runs = new Map(
    (await readRuns(out)).map((run) => [run.record.name, run]),
  );
  for (const loss of ["dpo", "kto"]) {
    const [once, again, fresh] = ["", "-passes2", "-pairs2"].map((level) => {
      const { record, rows } = runs.get(`${loss}-beta1${level}-draw0-seed1`)!;
      const { sha256, counts } = record.data[0]!;
      return { sha256, pairs: counts.rows, step: rows.at(-1)!.step };
    });
    deepEqual([once!.pairs, again!.pairs, fresh!.pairs], [36, 36, 72]);
    deepEqual([once!.step, again!.step, fresh!.step], [4, 8, 8]);
    equal(again!.sha256, once!.sha256);
    notEqual(fresh!.sha256, once!.sha256);
  }
});
