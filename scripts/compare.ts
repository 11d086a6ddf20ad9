import { basename, isAbsolute, join, relative, resolve } from "node:path";
import { comparison } from "experiments/comparison/comparison.ts";
import { withContents } from "experiments/comparison/contents.ts";
import { writePlan } from "experiments/comparison/plan_files.ts";
import type { Preferences } from "experiments/comparison/preferences.ts";
import { atBestRates, rateTrials } from "experiments/comparison/rates.ts";
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
import {
  parseFlags,
  peekFlag,
  refuseGiven,
  UsageError,
} from "lib/cli/flags.ts";
import { note, runVerb, table } from "lib/cli/terminal.ts";
import type { Verb } from "lib/cli/verb.ts";
import { counted, nameOf } from "lib/experiment/figure_parts.ts";
import { findLoss } from "lib/losses/registry.ts";
import type { Loss } from "lib/losses/loss.ts";
import { ELSEWHERE } from "lib/run/elsewhere.ts";
import { dataNote } from "lib/run/notes.ts";
import { TRAIN_FLAGS, trainSettings } from "lib/run/settings.ts";
import { axisFlags, methodsOf, parseOwnSettings } from "./compare/axes.ts";
import { optionsElsewhere } from "./train/loss_flags.ts";
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
  batch: { ...SHARED.batch, help: "pairs a step, whatever the method" },
  loss: text({
    help:
      "losses to compare, separated by commas; the others are compared with the first; compare --help NAME,... lists their options",
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
    tuneLr: parsed({
      help:
        "learning rates that every method tries first, in place of --lr; on prompts held out of those to train on",
      placeholder: "NUMBER,...",
      expected: "numbers above 0, separated by commas",
      parse: (text: string) => text.split(",").map(Number),
      is: (value): value is number[] =>
        Array.isArray(value) &&
        value.every((rate) => rate > 0 && Number.isFinite(rate)),
    }),
    tuneSteps: integer({
      help: "steps of such a trial; as many as a run has, if absent",
      min: 1,
    }),
    tunePairs: integer({
      help: "most pairs to choose a rate by",
      default: 500,
      min: 1,
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
      help: "most held-out pairs, of as many prompts as there are",
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
    probes: integer({
      help:
        "held-out prompts whose answers to another prompt, and repeated ones, are followed",
      default: 64,
      min: 1,
    }),
    controlText: text({
      help: "file of a text whose perplexity is measured",
      placeholder: "FILE",
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
  writeRows: text({
    help:
      "folder for the tokens and the batches of all runs, for another trainer",
    placeholder: "DIR",
  }),
  replace: toggle({ help: "replace other results that --out holds" }),
  dryRun: toggle({ help: "print the runs instead" }),
} as const;

const compareWith = (losses: readonly Loss[]) => ({
  name: "compare",
  summary:
    "Trains one model by several methods on the same preferences, and compares them on pairs that no run trained on.",
  flags: { ...FLAGS, ...axisFlags(losses, FLAGS) },
  elsewhere: { ...optionsElsewhere(losses), ...ELSEWHERE },
  examples: [
    "deno task compare --model ./SmolLM2-135M-Instruct --data pairs.jsonl --loss dpo,kto,orpo --beta 0.05,0.1 --seeds 3 --lr 1e-4 --out out/compare",
    "deno task compare --model org/name --data org/pairs:train --eval-data org/pairs:test --loss dpo,orpo --set orpo.lambda=0.1,1,orpo.lr=5e-5 --out out/orpo",
    "deno task compare --model ./model --data pairs.jsonl --loss dpo,kto --out out/try --dry-run",
  ],
} satisfies Verb);

/** Reads the command line; its losses decide which axes it may have. */
function parse() {
  const named = peekFlag("loss", Deno.args) ?? "";
  const losses = named === "" ? [] : named.split(",").map(lossOf);
  const rates = peekFlag("lr", Deno.args)?.split(",") ?? [];
  if (rates.length > 1) {
    throw new UsageError(
      "Cannot read --lr: expected one number; --tune-lr tries several and chooses one for each method, --set dpo.lr=NUMBER is of one loss",
    );
  }
  const args = parseFlags(compareWith(losses), Deno.args);
  if (args.help !== undefined) return args;
  return { ...args, losses };
}

/** @throws RangeError for a loss that is not listed, as files and sums are not. */
function lossOf(text: string): Loss {
  const name = text.trim();
  if (!/[+*./]/.test(name)) return findLoss(name);
  throw new RangeError(
    `Cannot compare "${name}": expected names that deno task losses lists; deno task train takes files and sums`,
  );
}

/** Settings of training that methods do not decide. */
const UNUSED = { seed: 0, evalEvery: 0 };

/** The settings that all runs share, with paths that records may have. */
function sharedSettings(args: Parameters<typeof trainSettings>[0]) {
  const { loss: _l, options: _o, learningRate, seed: _s, ...train } =
    trainSettings(args, {});
  const { model, data, evalData, tuning } = train;
  return {
    learningRate,
    train: {
      ...train,
      model: fromHere(model),
      data: fromHere(data),
      evalData: evalData === null ? null : fromHere(evalData),
      tuning: tuning.kind === "adapter"
        ? { ...tuning, adapter: fromHere(tuning.adapter) }
        : tuning,
    },
  };
}

/** A path from the current folder; a Hub id as it is. */
function fromHere(place: string): string {
  return isAbsolute(place) ? relative(Deno.cwd(), place) || "." : place;
}

function rowOf(
  method: ReturnType<typeof methodsOf>[number],
  rates = [method.learningRate],
) {
  const lr = rates.map((rate) => rate.toExponential()).join(" or ");
  return { method: nameOf(method), lr };
}

/** Settings of the comparison that a command line describes. */
function comparisonSettings(
  { values, given, losses }: Exclude<
    ReturnType<typeof parse>,
    { help: string }
  >,
): Omit<ComparisonSettings, "contents"> {
  const { set: own = [], seeds = [1], tuneLr } = values;
  if (tuneLr) {
    refuseGiven(given, ["lr"], "with --tune-lr, which chooses rates");
    const rate = own.find(({ name }) => name === "lr");
    if (rate) {
      throw new Error(
        `Cannot set ${rate.loss}.lr with --tune-lr, which chooses rates`,
      );
    }
  }
  if (!tuneLr) {
    refuseGiven(given, ["tuneSteps", "tunePairs"], "without --tune-lr");
  }
  const { learningRate, train } = sharedSettings({
    values: { ...values, ...UNUSED, loss: losses[0]!.id },
    given,
  });
  const axes = Object.fromEntries(
    Object.entries(values).filter(([name]) => !(name in FLAGS)),
  ) as Parameters<typeof methodsOf>[1]["axes"];
  return {
    ...{ draws: [0], levels: [{}], seeds: [...seeds], train },
    methods: methodsOf(losses, { axes, own, learningRate }),
    heldOut: {
      ...{ share: values.heldOut, pairs: values.heldOutPairs, isDev: false },
    },
    evaluation: {
      times: values.evaluations,
      prompts: values.answers,
      maxNewTokens: values.maxNewTokens,
      probes: values.probes,
      controlText: values.controlText === undefined
        ? null
        : fromHere(values.controlText),
    },
  };
}

await runVerb(parse, async (args) => {
  const { device, jobs, out, replace, dryRun, writeRows } = args.values;
  const { tuneLr, tuneSteps, tunePairs } = args.values;
  const hooks = inputProgress();
  const { settings, preferences } = await withContents(
    comparisonSettings(args),
    hooks,
  );
  for (const data of preferences.read) note(dataNote(data));
  note(sizesText(settings, preferences));
  if (dryRun) {
    return table(settings.methods.map((method) => rowOf(method, tuneLr)));
  }
  const runIn = (folder: string, settings: ComparisonSettings) =>
    runExperiment(comparison(settings), {
      ...{ device, jobs, replace, quick: false, tune: false, out: folder },
    });
  const runAll = async (settings: ComparisonSettings) => {
    if (writeRows !== undefined) {
      await writePlan(writeRows, settings);
      note(`Wrote the rows and batches of all runs to ${writeRows}`);
    }
    await runIn(out, settings);
  };
  if (!tuneLr) return await runAll(settings);
  const trials = join(out, "..", `${basename(resolve(out))}-rates`);
  note(`Trials of ${tuneLr.length} rates for each method, in ${trials}:`);
  await runIn(
    trials,
    rateTrials(settings, {
      ...{ rates: tuneLr, steps: tuneSteps ?? null, pairs: tunePairs },
    }),
  );
  const methods = await atBestRates(settings.methods, trials);
  await runAll({ ...settings, methods });
});

function sizesText(
  { methods, seeds }: ComparisonSettings,
  { train, heldOut, heldOutSource }: Preferences,
): string {
  const { trainedPrompts = 0 } = heldOutSource.counts;
  return `${counted(methods.length, "method")} × ${
    counted(seeds.length, "seed")
  } on ${counted(train.examples.length, "pair")}; ${
    counted(heldOut.length, "pair")
  } ${
    trainedPrompts === 0
      ? "of other prompts held out"
      : `to compare on, ${trainedPrompts} of them with prompts that are trained on`
  }`;
}
