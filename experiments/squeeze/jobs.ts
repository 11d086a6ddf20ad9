import type { Example } from "lib/data/example.ts";
import type { JobSetup } from "lib/experiment/definition.ts";
import { Rng } from "lib/rng.ts";
import { type Start, trainFurther } from "../answers/decoder.ts";
import { answerJobs, type StartTask } from "../answers/jobs.ts";
import { policyOf } from "../answers/model.ts";
import type { AnswersSettings } from "../answers/settings.ts";
import { probe, unlikelyPairs } from "./pairs.ts";
import { LEARNING_RATE } from "./settings.ts";

export const { url } = import.meta;

/** Runs on unlikely pairs, from π_ref or from what SFT on them makes of it. */
export function createJobs(setup: JobSetup<AnswersSettings>) {
  const table = answerJobs(setup, {
    rows: ({ reference, settings: { pairs: count }, rng }) => ({
      pairs: unlikelyPairs(reference, { count, rng }),
    }),
    startAt: extend,
    measure: probe,
  });
  return Promise.resolve({
    ...table,
    // Without a record of one model: runs of a draw start from two.
    jobs: { ...table.jobs, reference: () => Promise.resolve(null) },
  });
}

/** SFT on both answers of all pairs, as long as the training after it. */
async function extend(
  { point: { draw, seed, level }, start, pairs, settings, device }: StartTask,
): Promise<Start> {
  if (level["extended"] !== 1) return start;
  const rng = new Rng(seed).split(`squeeze/${draw}/extend`);
  const answers = pairs.flatMap(({ prompt, completions }) =>
    completions.map((completion): Example => ({
      ...{ prompt, completions: [completion] },
    }))
  );
  const { steps, batch, warmup } = settings.training;
  const examples: Example[] = [];
  while (examples.length < steps * batch) {
    examples.push(...rng.shuffle(answers));
  }
  return await trainFurther(start, {
    examples: examples.slice(0, steps * batch),
    ...{ steps, batch, warmup, learningRate: LEARNING_RATE },
    ...{ called: "both answers of the pairs", draw, device },
    ...{ tokenizer: policyOf(start).tokenizer },
  });
}
