import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { readRuns } from "lib/experiment/records.ts";
import { differences } from "lib/record/differences.ts";
import { runScript } from "./run_script.ts";
import { type TinyTraining, tinyTraining } from "./tiny_training.ts";

const compareArgs = ({ model, pairs }: TinyTraining, out: string) => [
  ...["--model", model, "--data", pairs, "--loss", "dpo,kto,orpo"],
  ...["--beta", "0.1,0.3", "--set", "orpo.lr=0.002", "--lr", "0.01"],
  ...["--seeds", "2", "--batch", "4", "--held-out", "0.3"],
  ...["--answers", "2", "--max-new-tokens", "4", "--out", out],
];

Deno.test("compare measures every method and seed alike, keeps their runs in a larger grid, is drawn again, and does not depend on jobs", async () => {
  await using t = await tinyTraining();
  const { code, err, out } = await t.run("compare", compareArgs(t, "out"));
  equal(code, 0, err);
  match(
    err,
    /5 methods × 2 seeds on 8 pairs; 4 pairs of other prompts held out/,
  );
  match(out, /orpo +2e-3/);
  const runs = await readRuns(join(t.path, "out"));
  deepEqual(
    runs.map(({ record: { name } }) => name),
    [
      ...["dpo-beta0.1", "dpo-beta0.3", "kto-beta0.1", "kto-beta0.3", "orpo"]
        .flatMap((name) => [1, 2].map((seed) => `${name}-draw0-seed${seed}`)),
      "reference-draw0",
    ],
  );
  const [reference] = runs.splice(-1);
  const weights = reference!.record.summary["weights"];
  for (const { record, rows } of runs) {
    // A step on 4 pairs: two steps an epoch, for losses of single answers too.
    deepEqual(rows.map(({ step }) => step), [0, 1, 2], record.name);
    equal(record.model.weights, weights);
    equal((record.summary["margins"] as number[]).length, 4);
    equal((record.summary["answers"] as string[]).length, 2);
    const last = rows.at(-1)!;
    for (const name of ["accuracy", "logProbAccuracy", "margin", "kl"]) {
      ok(Number.isFinite(last[name]), name);
    }
    deepEqual(
      record.data.map(({ sha256 }) => sha256),
      runs[0]!.record.data.map(({ sha256 }) => sha256),
    );
  }
  const { methods, differences: found } = JSON.parse(
    await Deno.readTextFile(join(t.path, "out", "summary.json")),
  );
  equal(methods.length, 5);
  deepEqual(
    found.map(({ name }: { name: string }) => name),
    ["dpo β 0.3", "kto β 0.1", "kto β 0.3", "orpo"],
  );
  await checkAgain(t);
});

/** Draws a comparison again, runs it in other ways and adds a method to it. */
async function checkAgain(t: TinyTraining): Promise<void> {
  const args = compareArgs(t, "out");
  const page = join(t.path, "out", "figure.html");
  const drawn = await Deno.readTextFile(page);
  await Deno.remove(page);
  const figure = await runScript("figure", [join(t.path, "out")]);
  equal(figure.code, 0, figure.err);
  equal(await Deno.readTextFile(page), drawn);
  const before = await readRuns(join(t.path, "out"));
  const more = args.map((arg) => arg === "dpo,kto,orpo" ? `${arg},sft` : arg);
  const { code, err } = await t.run("compare", [...more, "--replace"]);
  equal(code, 0, err);
  const after = await readRuns(join(t.path, "out"));
  const kept = after.filter(({ record }) => !record.name.startsWith("sft"));
  equal(after.length, before.length + 2);
  deepEqual(kept, before);
  const again = compareArgs(t, "again");
  equal((await t.run("compare", [...again, "--jobs", "2"])).code, 0);
  deepEqual(differences(await readRuns(join(t.path, "again")), before), []);
}

Deno.test("compare prints its runs before any is made, and refuses what does not fit", async () => {
  await using t = await tinyTraining();
  const args = compareArgs(t, "out");
  const dry = await t.run("compare", [
    ...[...args, "--dry-run", "--write-rows", "rows"],
  ]);
  equal(dry.code, 0, dry.err);
  const plan = await Deno.readTextFile(join(t.path, "rows", "plan.json"));
  deepEqual(
    JSON.parse(plan).runs.map(({ name, learningRate }: {
      name: string;
      learningRate: number;
    }) => [name, learningRate]),
    [1, 2].flatMap((seed) => [
      ...["dpo-beta0.1", "dpo-beta0.3", "kto-beta0.1", "kto-beta0.3"]
        .map((name) => [`${name}-draw0-seed${seed}`, 0.01]),
      [`orpo-draw0-seed${seed}`, 0.002],
    ]),
  );
  const help = await t.run("compare", ["--help", "kto,orpo"]);
  equal(help.code, 0, help.err);
  match(help.out, /--kl-pairing.*of kto.*--lambda.*of orpo/s);
  match(
    dry.out,
    /kto β 0\.3 +1e-2 +2\norpo +2e-3 +2\n\n10 runs; 20 steps in all\nmemory: \S+ GB a process, of \S+ GB\ntime: about \S+ (s|minutes), an estimate from 3 steps of kto β 0\.1 \(/,
  );
  const wrong: [
    Readonly<Record<string, string | readonly string[]>>,
    RegExp,
  ][] = [
    [
      { "--batch": "--jobs", "4": "999999999" },
      /Cannot run with --jobs 999999999: each process holds at least \S+ GB, and there are \S+ GB in all; expected --jobs \d+ or fewer$/m,
    ],
    [
      {
        ...{ "--lr": "--tune-lr", "0.3": "0.9" },
        "orpo.lr=0.002": "orpo.lambda=1",
      },
      /^error: Cannot choose rates by prompts .*: Cannot hold out 1 of 1 prompts/m,
    ],
    [{ "dpo,kto,orpo": "dpo,kot" }, /kot/],
    [{ "0.1,0.3": "0.1,x" }, /--beta: found "0.1,x"/],
    [{ [t.pairs]: t.labels }, /expected pairs of a chosen/],
    [{ "0.3": "1" }, /--held-out/],
    [
      { "dpo,kto,orpo": "dpo+0.2*sft" },
      /^error: Cannot compare "dpo\+0.2\*sft": .*deno task train takes/,
    ],
    [{ "0.01": "0.01,0.1" }, /--lr: .*--tune-lr tries several/],
    [
      { out: ["out", "--on", "slurm"] },
      /^error: Cannot use --device auto on other machines/,
    ],
  ];
  for (const [changes, message] of wrong) {
    const { code, err } = await t.run(
      "compare",
      args.flatMap((arg) => changes[arg] ?? [arg]),
    );
    ok(code > 0);
    match(err, message);
  }
  const rates = args.map((arg) => arg === "--lr" ? "--tune-lr" : arg);
  const tuned = await t.run("compare", [
    ...[...rates, "--dry-run", "--write-rows", "rows"],
  ]);
  match(tuned.err, /^error: Cannot use --write-rows with --dry-run/);
  deepEqual(
    [...Deno.readDirSync(t.path)].filter(({ name }) => name.includes("out")),
    [],
  );
});

Deno.test("compare chooses a rate for each method on prompts that neither part has", async () => {
  await using t = await tinyTraining();
  const args = compareArgs(t, "out");
  const both = await t.run("compare", [...args, "--tune-lr", "0.1"]);
  match(both.err, /Cannot use --lr with --tune-lr/);
  const tuned = [
    ...args.filter((arg, i) =>
      ![arg, args[i - 1]].some((one) =>
        ["--lr", "--set", "--seeds", "--out"].includes(one!)
      )
    ),
    // The last of them diverges.
    ...["--tune-lr", "0.001,0.03,1e30", "--tune-pairs", "1"],
    ...["--tune-steps", "3", "--out", "out/"],
  ];
  const { code, err } = await t.run("compare", tuned);
  equal(code, 0, err);
  const trials = await readRuns(join(t.path, "out-rates"));
  equal(trials.length, 5 * 3 + 1);
  const diverged = trials.filter(({ record }) => "diverged" in record.summary);
  deepEqual(
    diverged.map(({ record: { name } }) => name),
    trials.map(({ record: { name } }) => name)
      .filter((name) => name.includes("lr1e+30")),
  );
  const dev = trials[0]!.record.data.at(-1)!;
  const runs = await readRuns(join(t.path, "out"));
  const test = runs[0]!.record.data.at(-1)!;
  // 12 prompts: 4 to compare on, of the other 8 2 to choose rates by, one used.
  deepEqual([dev.counts["rows"], test.counts["rows"]], [1, 4]);
  deepEqual(
    [trials, runs].map(([run]) => run!.rows.at(-1)!.step),
    [3, 2],
  );
  ok(dev.sha256 !== test.sha256);
  const rateOf = ({ record: { settings } }: typeof runs[number]) =>
    (settings["run"] as { learningRate: number }).learningRate;
  const accuracy = (name: string, rate: number) =>
    trials.find(({ record }) =>
      record.name === name.replace("-draw0-seed1", `-lr${rate}-draw0-seed0`)
    )!.rows.at(-1)!["accuracy"]!;
  for (
    const run of runs.filter(({ record: { name } }) => name.endsWith("seed1"))
  ) {
    const { name } = run.record;
    const better = accuracy(name, 0.03) > accuracy(name, 0.001) ? 0.03 : 0.001;
    equal(rateOf(run), better, name);
  }
});
