import { deepEqual, equal, match, throws } from "node:assert/strict";
import { gigabytes } from "lib/run/memory.ts";
import { microTokensWithin } from "lib/run/micro_memory.ts";
import { trainingNotes } from "lib/run/notes.ts";
import { prepareRun } from "lib/run/plan.ts";
import { stepMemory } from "lib/train/step_memory.ts";
import { LONG_ROWS, trainerOptions } from "../train/long_rows.ts";
import { inMemory, SETTINGS } from "./in_memory.ts";

const PLAN = { examples: LONG_ROWS, batches: [[...LONG_ROWS.keys()]] };
const OPTIONS = trainerOptions();

/** Bytes of a training step's intermediate results. */
const takes = (microTokens: number) =>
  stepMemory({ ...OPTIONS, microTokens }, [LONG_ROWS]).results;

Deno.test("micro-batches are the largest within a budget of bytes", () => {
  // Rows have 400 tokens: up to 512 each is alone, and from 4096 on all eight are
  // together.
  for (const size of [512, 1024, 2048, 4096]) {
    const bytes = takes(size);
    const chosen = (budget: number) => microTokensWithin(OPTIONS, PLAN, budget);
    equal(chosen(bytes), size);
    equal(chosen(1.2 * bytes), size);
    if (size > 512) equal(chosen(bytes - 1), size / 2);
  }
});

Deno.test("a budget that the smallest micro-batch exceeds is refused, with what it takes", () => {
  const least = takes(64);
  throws(() => microTokensWithin(OPTIONS, PLAN, least - 1), {
    message: `Cannot keep micro-batches within --micro-memory ${
      gigabytes(least - 1)
    }: the smallest take about ${
      gigabytes(least)
    }; expected more, or shorter rows (--max-length)`,
  });
});

Deno.test("a run has the micro-batches of its budget, and the same identity", async () => {
  const usual = await prepareRun(SETTINGS, inMemory());
  const wide = { ...SETTINGS, batch: 4, microMemory: 10 };
  const [one, ...others] = usual.plan.examples;
  const longer = [{ ...one!, prompt: Array(60).fill(3) }, ...others];
  const run = await prepareRun(wide, inMemory(longer));
  // Four rows of 64 tokens or more.
  equal(run.settings.microTokens, 512);
  equal(run.computing["microTokens"], run.settings.microTokens);
  equal(run.settings.microMemory, null);
  const again = await prepareRun(run.settings, inMemory(longer));
  equal(again.settings.microTokens, 512);
  match(trainingNotes(run), /4 examples, 512 tokens at once at most/);
  deepEqual(run.identity, usual.identity);
});
