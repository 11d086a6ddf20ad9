import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { readRecord } from "lib/record/record.ts";
import { OWN } from "./own_loss.ts";
import { runScript } from "./run_script.ts";
import { metricsOf, type TinyTraining, tinyTraining } from "./tiny_training.ts";

async function train(
  t: TinyTraining,
  loss: string,
  ...args: string[]
): Promise<void> {
  const { code, err } = await t.run("train", [
    ...["--model", t.model, "--data", t.pairs, "--loss", loss],
    ...["--lr", "0.01", "--batch", "4", "--out", "out", ...args],
  ]);
  strictEqual(code, 0, err);
}

const recordOf = (t: TinyTraining) => readRecord(join(t.path, "out/run.json"));

Deno.test("a loss of the user's own trains, has options, and is made again from where it lies", async () => {
  await using t = await tinyTraining();
  const [file, moved] = ["halved.ts", "moved.ts"].map((n) => join(t.path, n));
  await Deno.writeTextFile(file!, OWN);
  const help = await t.run("train", ["--help", "./halved.ts"]);
  match(help.out, /Options of halved:\n {2}--beta NUMBER/);
  await train(t, "./halved.ts", "--beta", "0.3");
  const { settings, objective } = await recordOf(t);
  strictEqual(settings["loss"], "halved.ts");
  deepStrictEqual(settings["options"], { beta: 0.3 });
  strictEqual(objective?.loss, "halved");
  strictEqual(objective.formula, "−log σ(β(Δ_w − Δ_l/2))");
  strictEqual(objective.code?.length, 1);

  await Deno.rename(file!, moved!);
  const reproduce = () =>
    runScript("reproduce", [
      join(t.path, "out"),
      ...["--model", t.model, "--data", t.pairs, "--loss", moved!],
    ]);
  const again = await reproduce();
  // A file of another name is no difference if its code and numbers are the same.
  match(again.out, /^Identical, bit for bit\n$/m);
  await Deno.writeTextFile(moved!, OWN.replace("mul(0.5,", "mul(0.25,"));
  const changed = await reproduce();
  match(changed.out, /objective\/code\/0/);
  match(changed.out, /metrics/);
});

Deno.test("a sum of losses trains, and each of them is logged", async () => {
  await using t = await tinyTraining();
  await train(t, "dpo+0.5*sft", "--nll-reduction", "example");
  const [first] = metricsOf(join(t.path, "out"));
  const parts = first!["loss/dpo"]! + 0.5 * first!["loss/sft"]!;
  ok(Math.abs(first!["loss"]! - parts) < 1e-6);
  const { objective, settings } = await recordOf(t);
  strictEqual(objective?.loss, "dpo+0.5*sft");
  match(objective.nll ?? "", /mean by example/);
  deepStrictEqual(
    Object.keys(settings["options"] as object).sort(),
    ["beta", "labelSmoothing", "nllOver", "nllReduction", "referenceFree"],
  );
});

Deno.test("a preset sets what another trainer has, and a flag goes before it", async () => {
  await using t = await tinyTraining();
  await train(t, "simpo", "--preset", "trl", "--gamma", "0.25");
  const { settings } = await recordOf(t);
  const { beta, gamma, nllWeight } = settings["options"] as Record<
    string,
    unknown
  >;
  deepStrictEqual({ beta, gamma, nllWeight }, {
    beta: 0.1,
    gamma: 0.25,
    nllWeight: 1,
  });
  strictEqual(settings["preset"], "trl");
  const { code, err } = await t.run("train", [
    ...["--model", t.model, "--data", t.pairs, "--out", "none"],
    ...["--loss", "simpo", "--preset", "trl"].toSpliced(1, 1, "orpo-ratio"),
  ]);
  strictEqual(code, 1);
  match(err, /Cannot use --preset trl: loss "orpo-ratio" has none/);
});

for (
  const [what, ...args] of [
    ["a shift that it carries", "--loss", "bco"],
    ["a reference that moves", "--loss", "dpo", "--reference-every", "2"],
    [
      ...["a reference that moves slowly", "--loss", "ld-dpo", "--full"],
      ...["--reference-every", "2", "--reference-mix", "0.6"],
    ],
  ]
) {
  Deno.test(`a run with ${what} goes on from a checkpoint to the same end`, async () => {
    await using t = await tinyTraining();
    const run = async (out: string, ...more: string[]) => {
      const { code, err } = await t.run("train", [
        ...["--model", t.model, "--data", t.pairs, "--lr", "0.01"],
        ...["--batch", "4", "--epochs", "3", "--save-every", "5"],
        ...["--eval-data", t.pairs, "--eval-every", "2"],
        ...["--out", out, ...args, ...more],
      ]);
      strictEqual(code, 0, err);
      return metricsOf(join(t.path, out));
    };
    const whole = await run("out");
    for (const name of ["run.json", "adapter", "model"]) {
      await Deno.remove(join(t.path, "out", name), { recursive: true })
        .catch(() => {});
    }
    const checkpoints = await Array.fromAsync(
      Deno.readDir(join(t.path, "out/checkpoints")),
    );
    deepStrictEqual(checkpoints.map(({ name }) => name), ["step-5"]);
    deepStrictEqual(await run("out", "--resume"), whole);
    if (args.includes("--reference-every")) {
      // At the reference anew: the reward is what two steps have made of it.
      const rewards = whole.map((row) => Math.abs(row["rewards/chosen"]!));
      ok(rewards[2]! < rewards[1]! + 1e-6 || rewards[4]! < rewards[3]! + 1e-6);
      const { objective } = await recordOf(t);
      match(objective?.reference ?? "", /moved every 2 steps to (1|0\.6) of/);
    }
  });
}

Deno.test("means of adapters are refused as a reference", async () => {
  await using t = await tinyTraining();
  const { code, err } = await t.run("train", [
    ...["--model", t.model, "--data", t.pairs, "--loss", "dpo"],
    ...["--reference-every", "2", "--reference-mix", "0.5", "--out", "out"],
  ]);
  strictEqual(code, 2);
  match(err, /Cannot use --reference-mix below 1 without --full/);
});
