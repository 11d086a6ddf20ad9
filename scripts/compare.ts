import { basename, join, resolve } from "node:path";
import { comparison } from "experiments/comparison/comparison.ts";
import { withContents } from "experiments/comparison/contents.ts";
import { COMPARE_FLAGS } from "experiments/comparison/flags.ts";
import { portableCommand } from "experiments/comparison/judge_command.ts";
import { writePlan } from "experiments/comparison/plan_files.ts";
import type { Preferences } from "experiments/comparison/preferences.ts";
import {
  atBestRates,
  rateTrials,
  requireTrialPrompts,
} from "experiments/comparison/rates.ts";
import type { ComparisonSettings } from "experiments/comparison/settings.ts";
import { runExperiment } from "experiments/run_directly.ts";
import { elsewhereOf } from "experiments/sites/flags.ts";
import {
  parseFlags,
  peekFlag,
  peekSettings,
  refuseGiven,
  UsageError,
} from "lib/cli/flags.ts";
import { readJsonValue } from "lib/cli/flag_value.ts";
import {
  readSettings,
  SETTINGS,
  SETTINGS_ELSEWHERE,
} from "lib/cli/settings_file.ts";
import { note, runVerb } from "lib/cli/terminal.ts";
import type { Verb } from "lib/cli/verb.ts";
import { counted } from "lib/experiment/figure_parts.ts";
import { fromHere } from "lib/files/from_here.ts";
import { LOSSES } from "lib/losses/registry.ts";
import type { Loss } from "lib/losses/loss.ts";
import { resolveDevice } from "lib/onnx/devices.ts";
import { ELSEWHERE } from "lib/run/elsewhere.ts";
import { leastMemory, requireMemory } from "lib/run/memory.ts";
import { dataNote } from "lib/run/notes.ts";
import { isRecord } from "lib/run/recorded_settings.ts";
import { trainSettings } from "lib/run/settings.ts";
import { axisFlags, methodsOf } from "./compare/axes.ts";
import { comparedLoss } from "./compare/compared_loss.ts";
import { dryRun } from "./compare/dry_run.ts";
import { optionsElsewhere } from "./train/loss_flags.ts";
import { inputProgress } from "./train/download_progress.ts";

const compareWith = (losses: readonly Loss[]) => ({
  name: "compare",
  summary:
    "Trains one model by several methods on the same preferences, and compares them on pairs that no run trained on.",
  positionals: [SETTINGS],
  flags: { ...COMPARE_FLAGS, ...axisFlags(losses, COMPARE_FLAGS) },
  elsewhere: {
    ...optionsElsewhere(losses),
    ...ELSEWHERE,
    ...SETTINGS_ELSEWHERE,
  },
  examples: [
    "deno task compare --model ./SmolLM2-135M-Instruct --data pairs.jsonl --loss dpo,kto,orpo --beta 0.05,0.1 --seeds 3 --lr 1e-4 --out out/compare",
    "deno task compare --model org/name --data org/pairs:train --eval-data org/pairs:test --loss dpo,orpo --set orpo.lambda=0.1,1,orpo.lr=5e-5 --out out/orpo",
    "deno task compare --model ./model --data pairs.jsonl --loss dpo,kto --out out/try --dry-run",
    "deno task compare --model ./model --data pairs.jsonl --loss dpo,kto --answers 200 --judge 'python judge.py' --choices questions.jsonl --out out/judged",
    "deno task compare --model ./model --data pairs.jsonl --loss dpo,./mine.ts --set mine.beta=0.1,1 --out out/own",
    "deno task compare mine.ts --out out/mine",
    "deno task compare mine.ts --device cuda --threads 8 --out out/mine --on slurm --slurm='--gres=gpu:1 --cpus-per-task=8 --time=4:00:00'",
  ],
} satisfies Verb);

/** Reads the command line; its losses decide which axes it may have. */
async function parse() {
  const path = peekSettings(compareWith(LOSSES), Deno.args);
  const file = path === undefined ? null : await readSettings(path);
  if (file && isRecord(file)) {
    throw new UsageError(
      `Cannot compare by ${path}: it is the record of a run, which deno task train takes`,
    );
  }
  const named = peekFlag("loss", Deno.args) ?? file?.values["loss"];
  const compared = await Promise.all(namesIn(named).map(comparedLoss));
  const losses = compared.map(({ loss }) => loss);
  const rates = peekFlag("lr", Deno.args)?.split(",").map(Number) ?? [];
  // Names of losses after --help are no rates.
  if (rates.length > 1 && !rates.some(Number.isNaN)) {
    throw new UsageError(
      "Cannot read --lr: expected one number; --tune-lr tries several and chooses one for each method, --set dpo.lr=NUMBER is of one loss",
    );
  }
  const args = parseFlags(compareWith(losses), Deno.args, file);
  if (args.help !== undefined) return args;
  return { ...args, compared };
}

/** Names of losses, as far as they are any. */
function namesIn(given: unknown): readonly string[] {
  const names = readJsonValue(COMPARE_FLAGS.loss, given) ?? [];
  return COMPARE_FLAGS.loss.is(names) ? names : [];
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

/** Settings of the comparison that a command line describes. */
function comparisonSettings(
  { values, given, compared }: Exclude<
    Awaited<ReturnType<typeof parse>>,
    { help: string }
  >,
): Omit<ComparisonSettings, "contents"> {
  const { set: own = {}, seeds = [1], tuneLr } = values;
  const [rated] = Object.keys(own).filter((loss) => "lr" in own[loss]!);
  if (tuneLr && rated !== undefined) {
    throw new UsageError(
      `Cannot set ${rated}.lr with --tune-lr, which chooses rates`,
    );
  }
  if (!tuneLr) {
    refuseGiven(given, ["tuneSteps", "tunePairs"], "without --tune-lr");
  }
  const { learningRate, train } = sharedSettings({
    values: { ...values, ...UNUSED, loss: compared[0]!.loss.id },
  });
  const axes = Object.fromEntries(
    Object.entries(values).filter(([name]) => !(name in COMPARE_FLAGS)),
  ) as Parameters<typeof methodsOf>[1]["axes"];
  return {
    ...{ draws: [0], levels: [{}], seeds: [...seeds], train },
    methods: methodsOf(compared, { axes, own, learningRate }),
    heldOut: {
      ...{ share: values.heldOut, pairs: values.heldOutPairs, isDev: false },
      ...values.heldOutSeed > 0 && { seed: values.heldOutSeed },
    },
    evaluation: {
      times: values.evaluations,
      prompts: values.answers,
      maxNewTokens: values.maxNewTokens,
      probes: values.probes,
      controlText: values.controlText === undefined
        ? null
        : fromHere(values.controlText),
      ...judgeOf(values),
      ...values.choices !== undefined && { choices: fromHere(values.choices) },
    },
  };
}

/** The judge that flags name, in the form that records have. */
function judgeOf(
  { judge, rewardModel }: { judge?: string; rewardModel?: string },
): Pick<ComparisonSettings["evaluation"], "judge"> {
  if (judge !== undefined) {
    return { judge: { command: portableCommand(judge) } };
  }
  if (rewardModel === undefined) return {};
  return { judge: { rewardModel: fromHere(rewardModel) } };
}

type Values = Exclude<Awaited<ReturnType<typeof parse>>, { help: string }>[
  "values"
];

/** The comparison that chooses rates before; `null` where they are given. */
function trialsOf(
  settings: ComparisonSettings,
  { tuneLr, tuneSteps, tunePairs }: Values,
): ComparisonSettings | null {
  if (!tuneLr) return null;
  return rateTrials(settings, {
    ...{ rates: tuneLr, steps: tuneSteps ?? null, pairs: tunePairs },
  });
}

await runVerb(parse, async (args) => {
  const { values: { out, replace, writeRows, ...values }, given } = args;
  const { site, device: elsewhere } = elsewhereOf(values, given);
  if (values.dryRun && values.tuneLr) {
    const reason = "with --dry-run, before --tune-lr has chosen rates";
    refuseGiven(given, ["writeRows"], reason);
  }
  const { settings, preferences, choices, parameters } = await withContents(
    comparisonSettings(args),
    inputProgress(),
  );
  for (const data of preferences.read) note(dataNote(data));
  if (choices) {
    note(dataNote({ examples: choices.rows, description: choices.source }));
  }
  note(sizesText(settings, preferences));
  const trials = trialsOf(settings, args.values);
  if (trials) requireTrialPrompts(preferences, settings);
  const device = elsewhere ?? await resolveDevice(values.device);
  const jobs = device === "cpu" ? values.jobs ?? 1 : 1;
  if (device === "cpu" && !site) {
    requireMemory(leastMemory(parameters, settings.train), {
      ...{ jobs, settings: settings.train, what: "holds at least" },
    });
  }
  const writePlanOf = async (settings: ComparisonSettings) => {
    if (writeRows === undefined) return;
    await writePlan(writeRows, settings);
    note(`Wrote the rows and batches of all runs to ${writeRows}`);
  };
  if (values.dryRun && !site) {
    await writePlanOf(settings);
    return await dryRun({ settings, trials, device, jobs });
  }
  const runIn = (folder: string, settings: ComparisonSettings) =>
    runExperiment(comparison(settings), {
      ...{ device, jobs, replace, quick: false, tune: false, out: folder },
      dryRun: values.dryRun,
    }, site);
  const runAll = async (settings: ComparisonSettings) => {
    await writePlanOf(settings);
    await runIn(out, settings);
  };
  if (!trials) return await runAll(settings);
  const folder = join(out, "..", `${basename(resolve(out))}-rates`);
  const rates = counted(trials.levels.length, "rate");
  note(`Trials of ${rates} for each method, in ${folder}:`);
  await runIn(folder, trials);
  if (values.dryRun) return;
  const methods = await atBestRates(settings.methods, folder);
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
