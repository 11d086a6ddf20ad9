import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import {
  sameInputs,
  sameJudge,
  withContents,
} from "experiments/comparison/contents.ts";
import { rateTrials } from "experiments/comparison/rates.ts";
import type { ComparisonSettings } from "experiments/comparison/settings.ts";
import { completeSettings } from "lib/run/settings.ts";
import { textTraining } from "./text_training.ts";
import { writeClassifier } from "./tiny_classifier.ts";

type Wanted = Omit<ComparisonSettings, "contents">;

function settingsOf(
  { model, pairs }: { model: string; pairs: string },
  evaluation: Partial<Wanted["evaluation"]>,
): Wanted {
  const { loss: _loss, options: _options, learningRate, seed: _s, ...train } =
    completeSettings({ model, data: pairs, loss: "dpo" });
  return {
    ...{ draws: [0], levels: [{}], seeds: [1], train },
    methods: [{ loss: "dpo", options: {}, learningRate }],
    heldOut: { share: 0.3, pairs: 500, isDev: false },
    evaluation: {
      ...{ times: 1, prompts: 1, maxNewTokens: 4, probes: 1 },
      controlText: null,
      ...evaluation,
    },
  };
}

Deno.test("a reward model that changes after a comparison began is refused", async () => {
  await using t = await textTraining();
  const rewardModel = join(t.path, "judge");
  await Deno.mkdir(rewardModel);
  await writeClassifier(rewardModel);
  const { settings, preferences } = await withContents(
    settingsOf(t, { judge: { rewardModel } }),
    {},
  );
  const judge = await sameJudge(settings, preferences);
  const { scores } = await judge!.score([{ prompt: "a", answer: "b" }]);
  await judge!.release();
  ok(scores[0]! > 90);
  await writeClassifier(rewardModel, { labels: 2 });
  await rejects(sameJudge(settings, preferences), {
    message:
      `Cannot use ${rewardModel}: its contents are no longer those that the comparison began with`,
  });
});

Deno.test("a judge's script that changes after a comparison began is refused", async () => {
  await using t = await textTraining();
  const script = join(t.path, "judge.py");
  await Deno.writeTextFile(script, "1");
  const command = `python ${script}`;
  const wanted = settingsOf(t, { judge: { command } });
  const { settings, preferences } = await withContents(wanted, {});
  equal(
    (await sameJudge(settings, preferences))!.hash,
    settings.contents.judge,
  );
  await Deno.writeTextFile(script, "2");
  await rejects(sameJudge(settings, preferences), {
    message: new RegExp(`^Cannot use ${command}: its contents are no longer`),
  });
});

Deno.test("questions that change after a comparison began are refused", async () => {
  await using t = await textTraining();
  const wanted = settingsOf(t, { choices: t.questions });
  const { settings } = await withContents(wanted, {});
  equal((await sameInputs(settings)).choices!.rows.length, 12);
  const trials = rateTrials(settings, { rates: [1], steps: 1, pairs: 1 });
  equal((await sameInputs(trials)).choices, null);
  // The same texts with another right one.
  const rows = await Deno.readTextFile(t.questions);
  await Deno.writeTextFile(
    t.questions,
    rows.replace('"answer":0', '"answer":1'),
  );
  await rejects(sameInputs(settings), {
    message: new RegExp(`^Cannot use ${t.questions}: its contents are no`),
  });
});

Deno.test("a judge sees prompts as the data have them, which token ids are not", async () => {
  await using t = await textTraining();
  const wanted = settingsOf(t, { judge: { command: "judge 'a b'" } });
  const { settings, preferences } = await withContents(wanted, {});
  deepEqual(settings.contents.judge, undefined);
  ok(preferences.prompts.every((prompt) => /^Q\d+\?$/.test(String(prompt))));
  equal(preferences.isChat, false);
  await rejects(
    withContents(settingsOf(t, { judge: { command: "'a b" } }), {}),
    { message: /^Cannot read --judge "'a b": a quotation does not end/ },
  );
  await rejects(
    withContents(settingsOf(t, { judge: { rewardModel: t.model } }), {}),
    { message: /^Cannot use the reward model .*: expected .*model\.onnx/ },
  );
  await Deno.writeTextFile(
    t.pairs,
    [1, 2, 3].map((id) =>
      `{"prompt_ids": [${id}], "chosen_ids": [1], "rejected_ids": [2]}\n`
    ).join(""),
  );
  await rejects(withContents(wanted, {}), {
    message:
      `Cannot score answers to ${t.pairs}: its prompts are token ids, expected text`,
  });
});
