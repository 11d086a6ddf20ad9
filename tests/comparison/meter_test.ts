import { deepEqual, equal, rejects, throws } from "node:assert/strict";
import { join } from "node:path";
import { withContents } from "experiments/comparison/contents.ts";
import { createJobs } from "experiments/comparison/jobs.ts";
import {
  heldMeasures,
  type HeldOutLogProbs,
  type LogProbs,
} from "experiments/comparison/meter.ts";
import { assertClose } from "../assert_close.ts";
import { tinyTraining } from "../scripts/tiny_training.ts";
import { settingsOf } from "./settings_of.ts";

const BEFORE = [[-2, -3], [-5, -1], [-4, -4]];
const AFTER = [[-1, -4], [-4, -2], [-6, -5]];

const NONE = { unrelated: [], repeated: [], control: [], choices: [] };

function rowsOf(logProbs: LogProbs, tokens: number) {
  return logProbs.map((own) => ({
    prompt: [1],
    completions: own.map(() => Array<number>(tokens).fill(2)),
  }));
}

function measured(
  after: Partial<HeldOutLogProbs>,
  before: Partial<HeldOutLogProbs> = after,
) {
  const logProbs = { pairs: [], ...NONE, ...after };
  const { pairs, unrelated, repeated, control, choices } = logProbs;
  const rows = {
    pairs: rowsOf(pairs, 2),
    unrelated: rowsOf(unrelated, 2),
    repeated: rowsOf(repeated, 2),
    control: rowsOf(control, 2),
    choices: rowsOf(choices, 2),
  };
  return heldMeasures(rows, {
    logProbs,
    before: { pairs: [], ...NONE, ...before },
    step: 7,
  });
}

Deno.test("margins are log-ratios of chosen over rejected", () => {
  deepEqual(measured({ pairs: AFTER }, { pairs: BEFORE }).margins, [2, 2, -1]);
});

Deno.test("accuracy is of log π/π_ref, and of log π alone", () => {
  const { measures } = measured({ pairs: AFTER }, { pairs: BEFORE });
  assertClose([measures["accuracy"]!], [2 / 3]);
  assertClose([measures["logProbAccuracy"]!], [1 / 3]);
  assertClose([measures["chosen"]!], [0]);
  assertClose([measures["rejected"]!], [-1]);
  assertClose([measures["margin"]!], [1]);
});

Deno.test("a pair counts as half right where rounding decides", () => {
  equal(measured({ pairs: BEFORE }).measures["accuracy"], 0.5);
  const gaps = [0, 5e-4, -5e-4, 7e-4, -7e-4];
  const { correct } = measured(
    { pairs: gaps.map((gap) => [gap - 2, -2]) },
    { pairs: gaps.map(() => [-2, -2]) },
  );
  deepEqual(correct, [0.5, 0.5, 0.5, 1, 0]);
});

Deno.test("probes are changes of log π, and perplexity is of a token", () => {
  const { measures } = measured(
    { pairs: AFTER, unrelated: [[-3], [-4]], control: [[-2], [-4]] },
    { pairs: BEFORE, unrelated: [[-1], [-4]], control: [[-9], [-9]] },
  );
  equal(measures["unrelated"], -1);
  equal(measures["repeated"], null);
  assertClose([measures["perplexity"]!], [Math.exp(6 / 4)]);
});

Deno.test("a log-probability that is not finite ends a run as a diverged step does", () => {
  const message =
    /^Training diverged by step 7: a held-out answer has .* -Infinity/;
  for (const name of ["pairs", "choices"]) {
    const wrong = () => measured({ [name]: [[-1, -Infinity]] });
    throws(wrong, { name: "RangeError", message });
  }
});

Deno.test("jobs that cannot measure fail one by one, and leave nothing to release", async () => {
  await using t = await tinyTraining();
  const controlText = join(t.path, "control.txt");
  await Deno.writeTextFile(
    controlText,
    "a text, for which there is no tokenizer",
  );
  const given = { model: t.model, data: t.pairs };
  const wanted = settingsOf(given, {}, { controlText });
  const { settings } = await withContents(wanted, {});
  const { jobs, release } = await createJobs({ settings, device: "cpu" });
  for (const _ of [1, 2]) {
    await rejects(jobs.reference({ draw: 0, start: null }), {
      message: /found a model without a tokenizer/,
    });
  }
  await release();
});
