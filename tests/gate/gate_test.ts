import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { ANSWERS, placesOf, samplePairs } from "experiments/answers/world.ts";
import { CLAIMS } from "experiments/gate/claims.ts";
import { GATE } from "experiments/gate/experiment.ts";
import { gateFigure } from "experiments/gate/figure.ts";
import { probe } from "experiments/gate/probe.ts";
import { FULL } from "experiments/gate/settings.ts";
import type { GridSummary } from "lib/experiment/summary.ts";
import { judge } from "lib/experiment/claim.ts";
import { experiment } from "lib/experiment/experiment.ts";
import { Rng } from "lib/rng.ts";
import { logSoftmax } from "lib/stats/distribution.ts";
import { assertClose } from "../assert_close.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { SMALL_RUN } from "../experiment/small_run.ts";

const { draws } = FULL;

/** Runs that never were, by the measures at their ends. */
function madeUp(
  endsOf: (loss: string) => Record<string, number>,
): GridSummary {
  const settings = FULL.methods.flatMap((method) =>
    FULL.levels.map((level) => ({
      ...{ ...method, level, trajectory: [] },
      runs: draws.map((draw) => ({ draw, seed: 1 })),
      ends: Object.fromEntries(
        Object.entries(endsOf(method.loss)).map(([name, value]) => [
          name,
          // Draws differ a little: equal differences have no p-value of use.
          draws.map((draw) => value + 1e-5 * draw),
        ]),
      ),
    }))
  );
  return { draws, seeds: [1], settings };
}

const STILL = {
  ...{ chosenGain: 0, rejectedGain: 0, unrelatedGain: 0, topGain: 0 },
  ...{ reward: 0, kl: 0 },
};

/** As the papers say. */
const reported = madeUp((loss) =>
  loss === "dpo"
    ? { ...STILL, chosenGain: -12, unrelatedGain: -27 }
    : { ...STILL, chosenGain: loss === "dpo-shift" ? -10 : 1 }
);

const verdictsOf = (summary: GridSummary) =>
  judge(CLAIMS, summary).map(({ verdict }) => verdict);

Deno.test("claims are shown where runs are as reported, and not where nothing moves", () => {
  deepEqual(verdictsOf(reported), CLAIMS.map(() => "shown"));
  deepEqual(
    verdictsOf(madeUp(() => STILL)),
    CLAIMS.map(() => "not shown"),
  );
});

Deno.test("the gate matters less than the base where bases under it differ by more", () => {
  const summary = madeUp((loss) => ({
    ...STILL,
    chosenGain: { "dpo": -1, "gate-ipo": 2 }[loss] ?? 0,
  }));
  const found = judge(CLAIMS, summary)
    .filter(({ id }) => id.startsWith("gate-over-base"));
  deepEqual(found.map(({ verdict }) => verdict), ["opposite", "opposite"]);
});

Deno.test("the title says the gate's effect, and the table has the paper's numbers", () => {
  const { title, panels, tables: [table] } = gateFigure(reported);
  match(title, /by 1\.00 nats instead of -12\.00, and IPO by 1\.00$/);
  equal(table!.rows.length, FULL.methods.length);
  deepEqual(table!.rows[0]!.slice(0, 3), [
    ...["dpo", "−11.90 / −26.35 / −27.55", "-12.00 / 0.00 / -27.00"],
  ]);
  for (const { data } of panels) {
    deepEqual(data.map(({ name }) => name), [
      "chosen",
      "unrelated",
      "rejected",
    ]);
  }
});

const rng = new Rng("gate");
/** A reference that likes well-formed answers. */
const REFERENCE = logSoftmax(
  ANSWERS.map(({ isWellFormed }) => (isWellFormed ? 6 : 0) + rng.normal()),
);

Deno.test("probes follow answers in pairs, beside them, and the likeliest", () => {
  const pairs = samplePairs(REFERENCE, { count: 6, rng: new Rng(2) });
  const places = placesOf(pairs);
  const gains = { chosen: 0.5, rejected: -2, unseen: -1, illFormed: 0.25 };
  const found = probe(REFERENCE.map((x, i) => x + gains[places[i]!]), {
    ...{ reference: REFERENCE, pairs, places },
  });
  const top = REFERENCE.indexOf(Math.max(...REFERENCE));
  assertClose(
    ["unrelatedGain", "brokenGain", "topGain"].map((name) => found[name]!),
    [-1, 0.25, gains[places[top]!]],
    { tolerance: 1e-9 },
  );
  ok(found["chosenGain"]! > found["rejectedGain"]!);
});

Deno.test("the experiment, small, trains at a rate of each method's own or one for all", async () => {
  using folder = temporaryFolder();
  const settings = {
    ...FULL,
    ...{ draws: [0], pairs: 8, evaluation: [4] },
    methods: [{ loss: "gate-dpo", options: { beta: 0.1 }, learningRate: 5e-3 }],
    referenceModel: { ...FULL.referenceModel, steps: 10, batch: 4 },
    training: { ...FULL.training, steps: 4, batch: 4, warmup: 1 },
  };
  const out = join(folder.path, "gate");
  const small = experiment({
    ...GATE,
    settings: { ...GATE.settings, full: settings },
  });
  const { findings } = await small.run({ ...SMALL_RUN, out });
  deepEqual(findings.map(({ id }) => id), CLAIMS.map(({ id }) => id));
  const [own, oneRate] = ["", "-learningRate0.001"].map((level) => {
    const run = join(out, `gate-dpo-beta0.1${level}-draw0-seed1`);
    const read = (name: string) => Deno.readTextFileSync(join(run, name));
    const { data } = JSON.parse(read("run.json"));
    const [start, end] = read("metrics.jsonl").trim().split("\n")
      .map((line) => JSON.parse(line));
    return { data: data[0].sha256, start, end };
  });
  equal(own!.data, oneRate!.data);
  equal(own!.start.chosenGain, 0);
  // Five times the rate leads farther.
  ok(own!.end.kl > oneRate!.end.kl);
});
