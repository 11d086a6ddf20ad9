import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import type { Loss } from "lib/losses/loss.ts";
import { resolveOptions } from "lib/losses/options.ts";
import { lossRequirements } from "lib/train/requirements.ts";
import { findLoss } from "lib/losses/registry.ts";
import { readRecord, type RunRecord } from "lib/record/record.ts";
import { sha256File } from "lib/record/sha256.ts";
import { kebab } from "lib/cli/flag.ts";
import { writeByteTokenizer } from "../data/byte_tokenizer.ts";
import { metricsOf, type TinyTraining, tinyTraining } from "./tiny_training.ts";

/** The rows that a loss is made for. */
function rowsFor(
  { pairs, labels, ranks }: TinyTraining,
  { data }: Pick<Loss, "data">,
): string {
  return { completions: pairs, pairs, labels, ranks }[data];
}

Deno.test("train --help LOSS explains every option of it, within 100 columns", async () => {
  await using t = await tinyTraining();
  for (const asked of [["--help", "simpo"], ["--loss=simpo", "-h"]]) {
    const { code, out } = await t.run("train", asked);
    strictEqual(code, 0);
    const text = out.replaceAll(/\s+/g, " ");
    for (const [name, option] of Object.entries(findLoss("simpo").options)) {
      const section = text.split(` --${kebab(name)} `)[1]!;
      ok(section.includes(option.help), name);
      if (option.kind === "number") ok(section.includes(`${option.symbol}, `));
      if (option.kind !== "toggle") {
        ok(section.includes(`default ${option.default})`), section);
      }
    }
    ok(!out.includes("--desirable-weight"));
    for (const line of out.split("\n")) ok(line.length <= 100, line);
  }
});

/** One of each kind of data, and what reads single tokens or carries numbers. */
const TRAINED = ["sft", "dpo", "kto", "listwise-dpo", "ld-dpo", "wpo", "bco"];

for (const loss of TRAINED.map(findLoss)) {
  Deno.test(`train tunes an adapter with ${loss.id} and tells of it`, async () => {
    await using t = await tinyTraining();
    const rows = rowsFor(t, loss);
    const { code, out, err } = await t.run("train", [
      ...["--model", t.model, "--data", rows, "--loss", loss.id],
      ...["--lr", "0.01"],
      ...["--out", "out", "--batch", "4", "--epochs", "2", "--eval-every", "2"],
      ...["--eval-data", rows],
    ]);
    strictEqual(code, 0, err);
    strictEqual(out, "Wrote out\n");
    match(err, /^training +3,136 of 3,936 parameters with /m);
    match(err, /^steps +6 of 4 examples$/m);
    match(err, / {2}6\/6 .* loss \S+ {2}gradNorm \S+/);
    const metrics = metricsOf(join(t.path, "out"));
    deepStrictEqual(metrics.map(({ step }) => step), [1, 2, 3, 4, 5, 6]);
    deepStrictEqual(
      metrics.map((row) => "eval/loss" in row),
      [false, true, false, true, false, true],
    );
    const losses = metrics.flatMap((row) => row["eval/loss"] ?? []);
    ok(losses[2]! < losses[0]!, `${losses}`);
    await checkRecord(t, loss);
  });
}

/** Checks what the record of the run above says. */
async function checkRecord(t: TinyTraining, loss: Loss): Promise<void> {
  const out = join(t.path, "out");
  const record = await readRecord(join(out, "run.json"));
  const { settings, objective, model, summary, artifacts, data } = record;
  deepStrictEqual(settings["options"], { ...resolveOptions(loss) });
  deepStrictEqual(
    [settings["model"], settings["maxLength"], settings["device"]],
    ["model", 32, "cpu"],
  );
  strictEqual(objective?.loss, loss.id);
  strictEqual(objective.formula, loss.formula);
  strictEqual(
    objective.reference,
    lossRequirements(loss, resolveOptions(loss)).reference
      ? "the model as loaded"
      : null,
  );
  deepStrictEqual(model.parameters, { total: 3936, trainable: 3136 });
  strictEqual(model.weights, await sha256File(`${t.model}/model.safetensors`));
  deepStrictEqual(data.map(({ role }) => role), ["train", "eval"]);
  strictEqual(data[0]?.sha256, data[1]?.sha256);
  const { diagnostics, ...last } = summary;
  deepStrictEqual(last, metricsOf(out).at(-1));
  checkDiagnostics(diagnostics, last);
  deepStrictEqual(Object.keys(artifacts).sort(), [
    "adapter/adapter_config.json",
    "adapter/adapter_model.safetensors",
    "metrics.jsonl",
  ]);
  for (const [name, hash] of Object.entries(artifacts)) {
    strictEqual(hash, await sha256File(join(out, name)));
  }
}

/** Checks what a summary says of the probe against the last metrics. */
function checkDiagnostics(
  found: RunRecord["summary"][string] | undefined,
  last: RunRecord["summary"],
): void {
  ok(typeof found === "object" && found !== null && "displaced" in found);
  strictEqual(found["on"], "evaluation");
  strictEqual(found["chosenChange"], last["change/chosen"]);
  strictEqual(found["rejectedChange"], last["change/rejected"]);
  strictEqual(found["marginChange"], last["change/margin"]);
  strictEqual(found["klStart"], last["kl/start"]);
  const [chosen, margin] = ["change/chosen", "change/margin"].map((name) =>
    Number(last[name])
  );
  // Changes of two steps are far beyond rounding.
  ok(Math.abs(chosen!) > 0.01 && Math.abs(margin!) > 0.01);
  strictEqual(found["displaced"], margin! > 0 && chosen! < 0);
}

Deno.test("train takes pairs for a loss of labels, and any option of the loss", async () => {
  await using t = await tinyTraining();
  const { code, err } = await t.run("train", [
    ...["--model", t.model, "--data", t.pairs, "--loss", "kto"],
    ...["--out", "out", "--beta", "0.5", "--undesirable-weight", "1.25"],
    ...["--kl-pairing", "previous", "--batch", "24", "--order", "sequential"],
  ]);
  strictEqual(code, 0, err);
  match(err, /24 examples of 12 rows, 12 desirable, 12 not/);
  match(
    err,
    /^warning: desirable completions weigh 0\.8 times .* expected 1 to 1\.33/m,
  );
  const { settings, objective } = await readRecord(`${t.path}/out/run.json`);
  deepStrictEqual(settings["options"], {
    beta: 0.5,
    desirableWeight: 1,
    undesirableWeight: 1.25,
    klPairing: "previous",
  });
  match(objective?.kl ?? "", /z₀/);
  // Policy and reference are the same, so is every value: σ(0) = 1/2.
  const [first] = metricsOf(join(t.path, "out"));
  strictEqual(first?.["kl"], 0);
  ok(Math.abs(first["loss"]! - (1 + 1.25) / 4) < 1e-6);
});

Deno.test("an adapter that was trained is where another run starts, and its reference", async () => {
  await using t = await tinyTraining();
  const run = (...args: string[]) =>
    t.run("train", [
      ...["--model", t.model, "--data", t.pairs, "--lr", "0.01"],
      ...["--batch", "12", "--order", "sequential", ...args],
    ]);
  const sft = ["--loss", "sft", "--eval-data", t.pairs];
  await run(...sft, "--steps", "5", "--lora-rank", "3", "--out", "first");
  const from = ["--init-adapter", "first/adapter"];
  const { code, err } = await run(...sft, ...from, "--out", "second");
  strictEqual(code, 0, err);
  const last = metricsOf(join(t.path, "first")).at(-1);
  const [next] = metricsOf(join(t.path, "second"));
  strictEqual(next?.["loss"], last?.["eval/loss"]);
  ok(last?.["eval/loss"] !== last?.["loss"]);
  const third = await run("--loss", "dpo", ...from, "--out", "third");
  match(third.err, /^reference +the model with the initial adapter$/m);
  const [start] = metricsOf(join(t.path, "third"));
  deepStrictEqual([start?.["rewards/chosen"], start?.["rewards/margins"]], [
    0,
    0,
  ]);
  const { model, settings } = await readRecord(`${t.path}/third/run.json`);
  ok(model.adapter);
  deepStrictEqual(settings["tuning"], { kind: "adapter", adapter: "adapter" });
});

Deno.test("train --full writes a model folder that loads again as it was", async () => {
  await using t = await tinyTraining();
  const run = (...args: string[]) =>
    t.run("train", [
      ...["--data", t.pairs, "--loss", "sft", "--full", "--lr", "0.01"],
      ...["--batch", "12", "--order", "sequential", ...args],
    ]);
  const evaluated = ["--steps", "3", "--eval-data", t.pairs];
  await run("--model", t.model, ...evaluated, "--out", "first");
  const { code, err } = await run(
    ...["--model", "first/model", "--out", "second"],
  );
  strictEqual(code, 0, err);
  match(err, /^training +800 of 800 parameters with sft$/m);
  const last = metricsOf(join(t.path, "first")).at(-1);
  const [next] = metricsOf(join(t.path, "second"));
  strictEqual(next?.["loss"], last?.["eval/loss"]);
  const { artifacts } = await readRecord(`${t.path}/first/run.json`);
  ok("model/model.safetensors" in artifacts);
});

Deno.test("train changes rows as it is told, leaves bad ones out, and records both", async () => {
  await using t = await tinyTraining();
  const rows = await Deno.readTextFile(t.pairs);
  await Deno.writeTextFile(join(t.path, "bad.jsonl"), rows + "{broken\n");
  const run = (...more: string[]) =>
    t.run("train", [
      ...["--model", t.model, "--data", "bad.jsonl", "--loss", "kto"],
      ...["--unpair", "--flip", "0.25", "--order", "stratified"],
      ...["--batch", "4", "--out", "out", ...more],
    ]);
  const refused = await run();
  match(refused.err, /bad\.jsonl, line 13: /);
  const { code, err } = await run("--skip-bad-rows");
  strictEqual(code, 0, err);
  const { data: [data] } = await readRecord(`${t.path}/out/run.json`);
  deepStrictEqual(
    data?.conversions?.map(({ name, counts }) => [name, counts]),
    [
      ["flip", { rows: 12, flipped: 3 }],
      ["unpair", { desirable: 12, undesirable: 12 }],
    ],
  );
  deepStrictEqual([data?.counts.rows, data?.counts["skipped"]], [24, 1]);
});

Deno.test("train tells of parts that the chat template leaves out, and records their numbers", async () => {
  await using t = await tinyTraining();
  const source = "{% for m in messages if m.role != 'system' %}" +
    "<|{{ m.role }}|>{{ m.content.split('</s>')[-1] }}</s>{% endfor %}" +
    "{% if add_generation_prompt %}<|assistant|>{% endif %}";
  const config = Object.fromEntries([["chat_template", source]]);
  await writeByteTokenizer(t.model, { config });
  // The model knows but a few characters.
  const turn = (role: string, content: string) => ({ role, content });
  const rows = [["$", "!"], ["", "!"], ["$", "%</s>!"], ["", "!!"]].map((
    [system, chosen],
  ) => ({
    prompt: [
      ...system ? [turn("system", system)] : [],
      turn("user", "#"),
    ],
    chosen: [turn("assistant", chosen!)],
    rejected: [turn("assistant", "%")],
  }));
  const path = join(t.path, "chat.jsonl");
  await Deno.writeTextFile(
    path,
    rows.map((row) => JSON.stringify(row)).join("\n"),
  );
  const { code, err } = await t.run("train", [
    ...["--model", t.model, "--data", path, "--loss", "dpo"],
    ...["--batch", "4", "--out", "out"],
  ]);
  strictEqual(code, 0, err);
  match(
    err,
    /^data .*, 2 of which the chat template leaves out system messages, 1 of which the chat template leaves out texts of answers/m,
  );
  const { data: [data] } = await readRecord(`${t.path}/out/run.json`);
  const { systemDropped, answersDropped, turnsDropped } = data!.counts;
  deepStrictEqual([systemDropped, answersDropped, turnsDropped], [
    2,
    1,
    undefined,
  ]);
});

Deno.test("train says where plain text gets no template, and gives it with --template", async () => {
  await using t = await tinyTraining();
  const source = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}" +
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";
  const config = Object.fromEntries([["chat_template", source]]);
  await writeByteTokenizer(t.model, { config });
  const path = join(t.path, "text.jsonl");
  const row = { prompt: "#", chosen: "$", rejected: "%" };
  await Deno.writeTextFile(path, JSON.stringify(row));
  const train = async (out: string, ...flags: string[]) => {
    const { err } = await t.run("train", [
      ...["--model", t.model, "--data", path, "--loss", "dpo", "--out", out],
      ...flags,
    ]);
    return { err, record: await readRecord(`${t.path}/${out}/run.json`) };
  };
  const plain = await train("plain");
  match(plain.err, /^data .*, 1 of plain text, .* \(--template applies it\)$/m);
  const put = await train("put", "--template");
  ok(!put.err.includes("plain text"), put.err);
  const { tokenizing } = put.record.settings;
  ok(typeof tokenizing === "object" && tokenizing && "template" in tokenizing);
  strictEqual(tokenizing.template, true);
  ok(put.record.data[0]?.sha256 !== plain.record.data[0]?.sha256);
});
