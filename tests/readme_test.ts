import { deepStrictEqual, ok } from "node:assert/strict";
import { EXPERIMENTS } from "experiments/all.ts";
import { claimsIndex } from "lib/experiment/claims_index.ts";
import { kebab } from "lib/cli/flag.ts";
import { chooseLoss } from "lib/loss_tools/choose.ts";
import { runLoss } from "lib/loss_tools/evaluate.ts";
import { misquotations } from "lib/experiment/readmes.ts";
import { findLoss } from "lib/losses/registry.ts";
import { TRAIN_FLAGS } from "lib/run/settings.ts";
import { checkout } from "./places.ts";
import { temporaryFolder } from "./temporary_folder.ts";

const readme = Deno.readTextFileSync(checkout("README.md"));

Deno.test("READMEs quote results as they are", async () => {
  deepStrictEqual(await misquotations({ checkout: checkout() }), []);
});

Deno.test("results/claims.md has the claims of all results", async () => {
  const names = EXPERIMENTS.map(({ name }) => name);
  deepStrictEqual(
    Deno.readTextFileSync(checkout("results/claims.md")),
    await claimsIndex(checkout("results"), names),
  );
});

Deno.test("the README's speed and memory are quoted from the benchmark", () => {
  const [, cost = ""] = readme.match(/^## What it costs\n(.*?)^## /ms) ?? [];
  const numbers = cost.match(/\d+\.\d+/g) ?? [];
  const quoted = cost.match(/\d\.\d<!--results\/bench\/summary\.json#/g) ?? [];
  ok(quoted.length > 0);
  deepStrictEqual(numbers.length, quoted.length);
});

Deno.test("the README promises at most 150 lines, and keeps to it", () => {
  ok(readme.split("\n").length <= 150);
});

Deno.test("the README's loss is a loss, in under 15 lines", async () => {
  const [, code = ""] = readme.match(/^```ts\n(.*?)^```$/ms) ?? [];
  const lines = code.split("\n").filter((line) => line !== "");
  ok(lines.length > 0 && lines.length < 15, `${lines.length} lines`);
  using folder = temporaryFolder();
  const path = `${folder.path}/mine.ts`;
  await Deno.writeTextFile(path, code);
  const { loss } = await chooseLoss(path);
  deepStrictEqual(Object.keys(loss.options), ["beta"]);
  // log σ of 0.1 · (2 · 1 − 4), with policy 1 and 4 nats above the reference.
  const { losses } = await runLoss(loss, [{
    completions: [{ logProb: -2, refLogProb: -3 }, {
      logProb: -1,
      refLogProb: -5,
    }],
  }]);
  ok(Math.abs(losses[0]! - Math.log1p(Math.exp(0.2))) < 1e-6);
});

Deno.test("every command of a README is one, with flags that its verb has", () => {
  const texts = ["README.md", "README.zh.md", "CONTRIBUTING.md"].map((name) =>
    Deno.readTextFileSync(checkout(name))
  );
  const commands = texts.flatMap((text) => [
    ...text.replaceAll("\\\n", " ").matchAll(/^deno task (\S+)(.*)$/gm),
  ]);
  const { tasks } = JSON.parse(Deno.readTextFileSync(checkout("deno.json")));
  ok(commands.length > 5);
  for (const [line, verb, rest] of commands) {
    ok(verb! in tasks, line);
    if (verb === "train" || verb === "compare") {
      const [, loss] = rest!.match(/--loss (\S+)/)!;
      const losses = loss!.split(",").map(findLoss);
      const known = new Set([
        ...Object.keys(TRAIN_FLAGS).map(kebab),
        ...losses.flatMap(({ options }) => Object.keys(options).map(kebab)),
        ...verb === "train" ? ["out", "resume", "finish"] : ["out", "seeds"],
      ]);
      for (const [, name] of rest!.matchAll(/ --([\w-]+)/g)) {
        ok(known.has(name!), `${line}: --${name}`);
      }
    }
  }
});
