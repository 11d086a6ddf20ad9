import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { join } from "node:path";
import { ANSWERS, numberOf, placesOf } from "experiments/answers/world.ts";
import { CLAIMS } from "experiments/squeeze/claims.ts";
import { SQUEEZE } from "experiments/squeeze/experiment.ts";
import { squeezeFigure } from "experiments/squeeze/figure.ts";
import { probe, unlikelyPairs } from "experiments/squeeze/pairs.ts";
import { FULL } from "experiments/squeeze/settings.ts";
import type { GridSummary } from "lib/experiment/summary.ts";
import { judge } from "lib/experiment/claim.ts";
import { experiment } from "lib/experiment/experiment.ts";
import type { Level } from "lib/experiment/grid.ts";
import { Rng } from "lib/rng.ts";
import { logSoftmax } from "lib/stats/distribution.ts";
import { assertClose } from "../assert_close.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { SMALL_RUN } from "../experiment/small_run.ts";

const { draws } = FULL;

/** Runs that never were, by the measures at their ends. */
function madeUp(
  endsOf: (loss: string, level: Level) => Record<string, number>,
): GridSummary {
  const settings = FULL.methods.flatMap((method) =>
    FULL.levels.map((level) => ({
      ...{ ...method, level, trajectory: [] },
      runs: draws.map((draw) => ({ draw, seed: 1 })),
      ends: Object.fromEntries(
        Object.entries(endsOf(method.loss, level)).map(([name, value]) => [
          name,
          // Draws differ a little: equal differences have no p-value of use.
          draws.map((draw) => value + 1e-5 * draw),
        ]),
      ),
    }))
  );
  return { draws, seeds: [1], settings };
}

const STILL = { topGain: 0, chosenGain: 0, rejectedGain: 0, top: 0.1, kl: 0 };

const squeezed = madeUp((loss, level) => ({
  ...STILL,
  chosenGain: -2,
  topGain: loss === "dpo" && level["extended"] === 0 ? 1.5 : 0.5,
}));

Deno.test("claims are shown where plain DPO alone squeezes, and not where nothing moves", () => {
  const verdictsOf = (summary: GridSummary) =>
    judge(CLAIMS, summary).map(({ verdict }) => verdict);
  deepEqual(verdictsOf(squeezed), CLAIMS.map(() => "shown"));
  deepEqual(verdictsOf(madeUp(() => STILL)), CLAIMS.map(() => "not shown"));
});

Deno.test("the title says how far the likeliest and the chosen answers moved", () => {
  const { title, panels } = squeezeFigure(squeezed);
  match(title, /likeliest answer by 1\.50 nats, of chosen ones by -2\.00/);
  for (const { data } of panels) {
    deepEqual(data.map(({ name }) => name), ["dpo", "gate-dpo"]);
  }
});

const rng = new Rng("squeeze");
/** A reference that likes well-formed answers. */
const REFERENCE = logSoftmax(
  ANSWERS.map(({ isWellFormed }) => (isWellFormed ? 6 : 0) + rng.normal()),
);

Deno.test("unlikely pairs have all strings below an even share, and no other", () => {
  const pairs = unlikelyPairs(REFERENCE, { count: 4000, rng: new Rng(1) });
  const even = 1 / ANSWERS.length;
  const unlikely = REFERENCE.filter((x) => Math.exp(x) < even).length;
  const numbers = pairs.flatMap(({ completions }) => completions.map(numberOf));
  ok(numbers.every((i) => Math.exp(REFERENCE[i]!) < even));
  equal(new Set(numbers).size, unlikely);
});

Deno.test("the probe is the likeliest string that no pair has", () => {
  const pairs = unlikelyPairs(REFERENCE, { count: 48, rng: new Rng(2) });
  const places = placesOf(pairs);
  const top = REFERENCE.indexOf(Math.max(...REFERENCE));
  const moved = REFERENCE.map((x, i) => i === top ? x + 0.5 : x - 1);
  const data = { reference: REFERENCE, pairs, places };
  const found = probe(moved, data);
  assertClose([found["topGain"]!, found["chosenGain"]!], [0.5, -1]);
  assertClose([found["top"]!], [Math.exp(moved[top]!)]);
  // As soon as a pair has it, another one is followed.
  const ids = ANSWERS[top]!.ids;
  const taken = [...pairs, { prompt: [0], completions: [ids, [0]] }];
  const other = probe(moved, {
    ...{ reference: REFERENCE, pairs: taken, places: placesOf(taken) },
  });
  assertClose([other["topGain"]!], [-1]);
});

Deno.test("the experiment, small, extends by SFT on both answers before", async () => {
  using folder = temporaryFolder();
  const settings = {
    ...FULL,
    ...{ draws: [0], pairs: 8, evaluation: [4] },
    methods: FULL.methods.slice(0, 1),
    referenceModel: { ...FULL.referenceModel, steps: 10, batch: 4 },
    training: { ...FULL.training, steps: 4, batch: 4, warmup: 1 },
  };
  const out = join(folder.path, "squeeze");
  const small = experiment({
    ...SQUEEZE,
    settings: { ...SQUEEZE.settings, full: settings },
  });
  const { findings } = await small.run({ ...SMALL_RUN, out });
  deepEqual(findings.map(({ id }) => id), CLAIMS.map(({ id }) => id));
  const [plain, extended] = [0, 1].map((level) => {
    const run = join(out, `dpo-beta0.1-extended${level}-draw0-seed1`);
    const read = (name: string) => Deno.readTextFileSync(join(run, name));
    const { data, model } = JSON.parse(read("run.json"));
    const [start] = read("metrics.jsonl").trim().split("\n");
    return { data: data[0].sha256, model, start: JSON.parse(start!) };
  });
  equal(extended!.data, plain!.data);
  notEqual(extended!.model.weights, plain!.model.weights);
  deepEqual([plain!.start.topGain, extended!.start.topGain], [0, 0]);
  // Where DPO begins, strings of the pairs are likelier after the SFT.
  const inPairs = ({ start }: { start: Record<string, number> }) =>
    start["chosen"]! + start["rejected"]!;
  ok(inPairs(extended!) > inPairs(plain!));
});
