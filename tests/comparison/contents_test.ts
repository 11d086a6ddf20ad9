import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { sameInputs, withContents } from "experiments/comparison/contents.ts";
import { rateTrials } from "experiments/comparison/rates.ts";
import { tinyTraining } from "../scripts/tiny_training.ts";
import { settingsOf } from "./settings_of.ts";

const read = async (...args: Parameters<typeof settingsOf>) =>
  (await withContents(settingsOf(...args), {})).preferences;

Deno.test("contents that change after a comparison began are refused", async () => {
  await using t = await tinyTraining();
  const given = { model: t.model, data: t.pairs, evalData: t.pairs };
  const { settings } = await withContents(settingsOf(given), {});
  deepEqual((await sameInputs(settings)).preferences.read.length, 2);
  const rows = (await Deno.readTextFile(t.pairs)).split("\n");
  await Deno.writeTextFile(t.pairs, rows.slice(1).join("\n"));
  await rejects(sameInputs(settings), {
    message:
      `Cannot use ${t.pairs}: its contents are no longer those that the comparison began with`,
  });
});

Deno.test("a control text that changes after a comparison began is refused", async () => {
  await using t = await tinyTraining();
  const controlText = join(t.path, "control.txt");
  await Deno.writeTextFile(controlText, "one");
  const given = { model: t.model, data: t.pairs };
  const wanted = settingsOf(given, {}, { controlText });
  const { settings } = await withContents(wanted, {});
  const options = { rates: [0.1], steps: 1, pairs: 1 };
  for (const those of [settings, rateTrials(settings, options)]) {
    equal((await sameInputs(those)).controlText, "one");
  }
  await Deno.writeTextFile(controlText, "other");
  await rejects(sameInputs(settings), {
    message:
      `Cannot use ${controlText}: its contents are no longer those that the comparison began with`,
  });
});

Deno.test("noise is in pairs to train on alone, and their prompts are the same", async () => {
  await using t = await tinyTraining();
  const given = { model: t.model, data: t.pairs };
  for (const isDev of [false, true]) {
    const clean = await read(given, { isDev });
    const flip = { ...given, conversions: { flip: 0.999 } };
    const noisy = await read(flip, { isDev });
    deepEqual(noisy.heldOut, clean.heldOut);
    deepEqual(
      noisy.train.examples,
      clean.train.examples.map(({ completions, ...rest }) => ({
        ...{ ...rest, completions: completions.toReversed() },
      })),
    );
  }
});

Deno.test("pairs for evaluation whose prompts are trained on are counted", async () => {
  await using t = await tinyTraining();
  const given = { model: t.model, data: t.pairs };
  const countOf = ({ heldOutSource: { counts } }: Awaited<
    ReturnType<typeof read>
  >) => counts["trainedPrompts"];
  equal(countOf(await read(given)), undefined);
  const same = { ...given, evalData: t.pairs };
  equal(countOf(await read(same)), 12);
  const dev = await read(same, { isDev: true });
  equal(countOf(dev), undefined);
  ok(dev.heldOut.length < 12);
});
