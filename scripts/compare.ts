import { isAbsolute, relative } from "node:path";
import { comparison } from "experiments/comparison/comparison.ts";
import { readPreferences } from "experiments/comparison/preferences.ts";
import type { ComparisonSettings } from "experiments/comparison/settings.ts";
import { range, runExperiment } from "experiments/run_directly.ts";
import {
  grouped,
  integer,
  number,
  parsed,
  text,
  toggle,
} from "lib/cli/flag.ts";
import { parseFlags, peekFlag } from "lib/cli/flags.ts";
import { note, runVerb, table } from "lib/cli/terminal.ts";
import type { Verb } from "lib/cli/verb.ts";
import { nameOf } from "lib/experiment/figure_parts.ts";
import { findLoss } from "lib/losses/registry.ts";
import type { Loss } from "lib/losses/loss.ts";
import { loadModel } from "lib/run/inputs.ts";
import { TRAIN_FLAGS, trainSettings } from "lib/run/settings.ts";
import { axisFlags, methodsOf, parseOwnSettings } from "./compare/axes.ts";
import { inputProgress } from "./train/download_progress.ts";

const {
  loss: _loss,
  seed: _seed,
  evalEvery: _every,
  saveEvery: _save,
  ...SHARED
} = TRAIN_FLAGS;

const FLAGS = {
  ...SHARED,
  loss: text({
    help:
      "losses to compare, separated by commas; the others are compared with the first",
    placeholder: "NAME,...",
    required: true,
  }),
  ...grouped("Axes", {
    seeds: range({
      help: "seeds of each method: a number of them, or a range; one if absent",
      first: 1,
    }),
    set: parsed({
      help:
        "options and rates of one loss alone, such as orpo.lambda=0.1,1,kto.lr=5e-6",
      placeholder: "LOSS.NAME=VALUE,...",
      expected: "LOSS.NAME=VALUE,..., such as orpo.lambda=0.1,1",
      parse: parseOwnSettings,
      is: (value): value is NonNullable<ReturnType<typeof parseOwnSettings>> =>
        Array.isArray(value),
    }),
  }),
  ...grouped("Evaluation", {
    heldOut: number({
      help:
        "share of the prompts that are held out, with all their pairs, where there is no --eval-data",
      default: 0.1,
      above: 0,
      below: 1,
    }),
    heldOutPairs: integer({
      help: "most held-out pairs",
      default: 500,
      min: 1,
    }),
    evaluations: integer({
      help: "evaluations of a run, at equal distances",
      default: 4,
      min: 1,
    }),
    answers: integer({
      help: "held-out prompts that are answered before training and at the end",
      default: 16,
      min: 1,
    }),
    maxNewTokens: integer({
      help: "most tokens of such an answer",
      default: 64,
      min: 1,
    }),
  }),
  jobs: integer({
    help: "processes that share the runs, each with the model in its memory",
    default: 1,
    min: 1,
  }),
  out: text({
    help: "folder to write to; the same command goes on with it",
    placeholder: "DIR",
    required: true,
  }),
  replace: toggle({ help: "replace other results that --out holds" }),
  dryRun: toggle({ help: "print the runs instead" }),
} as const;

const compareWith = (losses: readonly Loss[]) => ({
  name: "compare",
  summary:
    "Trains one model by several methods on the same preferences, and compares them on pairs that no run trained on.",
  flags: { ...FLAGS, ...axisFlags(losses, FLAGS) },
  examples: [
    "deno task compare --model ./SmolLM2-135M-Instruct --data pairs.jsonl --loss dpo,kto,orpo --beta 0.05,0.1 --seeds 3 --lr 1e-4 --out out/compare",
    "deno task compare --model org/name --data org/pairs:train --eval-data org/pairs:test --loss dpo,orpo --set orpo.lambda=0.1,1,orpo.lr=5e-5 --out out/orpo",
    "deno task compare --model ./model --data pairs.jsonl --loss dpo,kto --out out/try --dry-run",
  ],
} satisfies Verb);

/** Reads the command line; its losses decide which axes it may have. */
function parse() {
  const named = peekFlag("loss", Deno.args) ?? "";
  const losses = named === "" ? [] : named.split(",").map(findLoss);
  const args = parseFlags(compareWith(losses), Deno.args);
  if (args.help !== undefined) return args;
  return { ...args, losses };
}

/** Settings of training that methods do not decide. */
const UNUSED = { seed: 0, evalEvery: 0 };

/** The settings that all runs share, with paths that records may have. */
function sharedSettings(args: Parameters<typeof trainSettings>[0]) {
  const { loss: _l, options: _o, learningRate, seed: _s, ...train } =
    trainSettings(args, {});
  const { model, data, evalData } = train;
  return {
    learningRate,
    train: {
      ...train,
      model: fromHere(model),
      data: fromHere(data),
      evalData: evalData === null ? null : fromHere(evalData),
    },
  };
}

/** A path from the current folder; a Hub id as it is. */
function fromHere(place: string): string {
  return isAbsolute(place) ? relative(Deno.cwd(), place) : place;
}

function rowOf(method: ReturnType<typeof methodsOf>[number]) {
  return { method: nameOf(method), lr: method.learningRate.toExponential() };
}

await runVerb(parse, async ({ values, given, losses }) => {
  const { heldOut: share, heldOutPairs: pairs, set: own = [] } = values;
  const { seeds = [1] } = values;
  const { learningRate, train } = sharedSettings({
    values: { ...values, ...UNUSED, loss: losses[0]!.id },
    given,
  });
  const axes = Object.fromEntries(
    Object.entries(values).filter(([name]) => !(name in FLAGS)),
  ) as Parameters<typeof methodsOf>[1]["axes"];
  const methods = methodsOf(losses, { axes, own, learningRate });
  const heldOut = { share, pairs };
  const { model, tokenizer } = await loadModel(
    { ...train, seed: 0 },
    inputProgress(),
  );
  const { policy: { config } } = model;
  const preferences = await readPreferences(
    { train, heldOut },
    { tokenizer, config },
    inputProgress(),
  );
  const settings: ComparisonSettings = {
    ...{ methods, seeds: [...seeds], draws: [0], levels: [{}], train, heldOut },
    contents: {
      model: model.hash,
      data: preferences.train.description.sha256,
      evalData: preferences.heldOutSource.sha256,
    },
    evaluation: {
      times: values.evaluations,
      prompts: values.answers,
      maxNewTokens: values.maxNewTokens,
    },
  };
  const { examples } = preferences.train;
  note(
    `${methods.length} methods × ${seeds.length} seeds on ${examples.length} pairs; ${preferences.heldOut.length} pairs of other prompts are held out`,
  );
  if (values.dryRun) return table(methods.map(rowOf));
  const { device, jobs, out, replace } = values;
  await runExperiment(comparison(settings), {
    ...{ device, jobs, out, replace, quick: false, tune: false },
  });
});
