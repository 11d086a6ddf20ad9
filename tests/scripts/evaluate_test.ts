import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { writeSafetensors } from "lib/models/weights/write_safetensors.ts";
import { sha256File } from "lib/record/sha256.ts";
import { assertClose } from "../assert_close.ts";
import { putJson, tensorsFor, TINY } from "../models/tiny_model.ts";
import { shared } from "../places.ts";
import { metricsOf, randomized, tinyTraining } from "./tiny_training.ts";

type Metrics = Record<string, number>;
interface Label {
  readonly label: boolean;
  readonly "completion_ids": readonly number[];
}

for (const precision of ["float32", "bfloat16"]) {
  Deno.test(`evaluate measures what train's own evaluation does, in ${precision}`, async () => {
    await using t = await tinyTraining();
    const { model, pairs } = t;
    const same = [
      ...["--model", model, "--data", pairs, "--beta", "0.5"],
      ...["--precision", precision],
    ];
    await t.run("train", [
      ...[...same, "--loss", "dpo", "--out", "out", "--lr", "0.01"],
      ...["--eval-data", pairs, "--steps", "5"],
    ]);
    const { code, out, err } = await t.run("evaluate", [
      ...[...same, "--adapter", "out/adapter", "--json"],
    ]);
    strictEqual(code, 0, err);
    const { data, metrics }: { data: object; metrics: Metrics } = JSON.parse(
      out,
    );
    const last = metricsOf(join(t.path, "out")).at(-1)!;
    const shared = Object.entries(last).flatMap(([name, value]) => {
      const key = name.replace("eval/", "");
      return key !== name && key in metrics ? [[key, value] as const] : [];
    });
    strictEqual(shared.length, 6);
    for (const [name, value] of shared) {
      assertClose([metrics[name]!], [value!], { tolerance: 1e-5, what: name });
    }
    const gain = metrics["logps/margins"]! -
      metrics["reference/logps/margins"]!;
    assertClose([metrics["rewards/margins"]!], [0.5 * gain]);
    deepStrictEqual(data, {
      role: "eval",
      source: "pairs.jsonl",
      sha256: Object(data)["sha256"],
      files: [await sha256File(pairs)],
      format: "ids-pairs",
      counts: {
        rows: 12,
        skipped: 0,
        dropped: 0,
        truncated: 0,
        truncatedPrompts: 0,
        boundaryShifted: 0,
        withoutBos: 0,
        doubledBos: 0,
        specialInText: 0,
        systemDropped: 0,
      },
    });
  });
}

Deno.test("evaluate prints a table, and each row's numbers to a file", async () => {
  await using t = await tinyTraining();
  const { code, out, err } = await t.run("evaluate", [
    ...["--model", t.model, "--data", t.labels, "--rows", "new/rows.jsonl"],
  ]);
  strictEqual(code, 0, err);
  match(err, /^model {2}12\/12 /);
  match(out, /^examples +12$/m);
  match(out, /^logps\/rejected +-\d/m);
  ok(!out.includes("rewards"), "there is no reference");
  const lines = (await Deno.readTextFile(t.labels)).trim().split("\n");
  const labels: Label[] = lines.map((line) => JSON.parse(line));
  const written = await Deno.readTextFile(join(t.path, "new/rows.jsonl"));
  const rows: Metrics[] = written.trim().split("\n")
    .map((line) => JSON.parse(line));
  strictEqual(rows.length, labels.length);
  let total = 0;
  let tokens = 0;
  for (const [i, row] of rows.entries()) {
    const { label, "completion_ids": { length } } = labels[i]!;
    const kind = label ? "chosen" : "rejected";
    deepStrictEqual(Object.keys(row), [
      ...["example", `tokens/${kind}`, `logps/${kind}`, `perplexity/${kind}`],
    ]);
    deepStrictEqual([row["example"], row[`tokens/${kind}`]], [i + 1, length]);
    if (label) {
      [total, tokens] = [total + row["logps/chosen"]!, tokens + length];
    }
  }
  const [, found] = out.match(/^perplexity\/chosen +(\S+)$/m)!;
  strictEqual(found, Math.exp(-total / tokens).toPrecision(4));
});

Deno.test("evaluate takes another model for the reference, if it has the same tokens", async () => {
  await using t = await tinyTraining();
  const same = ["--model", t.model, "--data", t.pairs];
  const { out } = await t.run("evaluate", [
    ...[...same, "--reference", t.model, "--json"],
  ]);
  const { metrics }: { metrics: Metrics } = JSON.parse(out);
  strictEqual(metrics["rewards/margins"], 0);
  strictEqual(metrics["rewards/accuracies"], 0, "strict inequality");
  strictEqual(metrics["reference/logps/chosen"], metrics["logps/chosen"]);
  const other = join(t.path, "other");
  await Deno.mkdir(other);
  await putJson(`${other}/config.json`, { ...TINY, "vocab_size": 12 });
  const path = `${other}/model.safetensors`;
  await writeSafetensors(path, await tensorsFor(other));
  const { code, err } = await t.run("evaluate", [
    ...[...same, "--reference", "./other"],
  ]);
  strictEqual(code, 1);
  match(
    err,
    /^error: Cannot compare with --reference \.\/other: its vocabulary has 12/,
  );
});

Deno.test("evaluate weighs rows in means, and tells each one's own numbers", async () => {
  await using t = await tinyTraining();
  const put = async (weightOf: (i: number) => number) => {
    const lines = (await Deno.readTextFile(t.pairs)).trim().split("\n");
    const rows = lines.map((line, i) => ({
      ...JSON.parse(line),
      "loss_weight": weightOf(i),
    }));
    const path = join(t.path, "weighted.jsonl");
    await Deno.writeTextFile(
      path,
      rows.map((x) => JSON.stringify(x)).join("\n"),
    );
    return await t.run("evaluate", [
      ...["--model", t.model, "--data", path, "--json", "--rows", "rows.jsonl"],
    ]);
  };
  const { out, err } = await put((i) => i % 3);
  ok(out, err);
  const written = await Deno.readTextFile(join(t.path, "rows.jsonl"));
  const rows: Metrics[] = written.trim().split("\n")
    .map((line) => JSON.parse(line));
  const logps = rows.map((row) => row["logps/chosen"]!);
  ok(logps.every(Number.isFinite));
  const weighed = logps.reduce((sum, x, i) => sum + i % 3 * x, 0);
  assertClose([JSON.parse(out).metrics["logps/chosen"]], [weighed / 12]);
  const none = await put(() => 0);
  strictEqual(none.code, 1);
  match(none.err, /^error: Cannot average over 12 examples whose weights/m);
});

Deno.test("evaluate refuses a model whose log-probabilities are no numbers", async () => {
  await using t = await tinyTraining();
  const path = join(t.model, "model.safetensors");
  // Finite weights of which the logits overflow.
  const huge = randomized(await tensorsFor(t.model)).map((tensor) =>
    tensor.name === "model.norm.weight"
      ? { ...tensor, data: tensor.data.map(() => 3e38) }
      : tensor
  );
  await writeSafetensors(path, huge);
  const { code, err } = await t.run("evaluate", [
    ...["--model", t.model, "--data", t.pairs],
  ]);
  strictEqual(code, 1);
  match(
    err,
    /^error: Cannot evaluate the model: it gives completion 1 of example 1 the log-probability NaN, expected a finite number$/m,
  );
});

Deno.test({
  name:
    "evaluate finds the log-probabilities that TRL logged (needs ../shared)",
  ignore: !existsSync(shared()),
  fn: async () => {
    await using t = await tinyTraining();
    const golden = shared("golden/trajectories/dpo-full");
    const { steps } = JSON.parse(await Deno.readTextFile(`${golden}.json`));
    const rows = await Deno.readTextFile(`${golden}.rows.jsonl`);
    const first = rows.split("\n").slice(0, 4).join("\n");
    await Deno.writeTextFile(join(t.path, "first.jsonl"), first);
    const { out, err } = await t.run("evaluate", [
      ...["--model", shared("models/stories260K")],
      ...["--data", "first.jsonl", "--json"],
    ]);
    ok(out, err);
    const { metrics } = JSON.parse(out);
    for (const name of ["logps/chosen", "logps/rejected"]) {
      assertClose([metrics[name]], [steps[0][name]], { tolerance: 1e-5 });
    }
  },
});
