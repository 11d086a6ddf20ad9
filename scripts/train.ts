import { choice, grouped, text, toggle } from "lib/cli/flag.ts";
import { parseFlags, peekFlag, peekSettings } from "lib/cli/flags.ts";
import { SETTINGS, SETTINGS_ELSEWHERE } from "lib/cli/settings_file.ts";
import {
  type Interruption,
  interruption,
  note,
  runVerb,
  say,
  warn,
} from "lib/cli/terminal.ts";
import type { Verb } from "lib/cli/verb.ts";
import type { Group } from "lib/distributed/group.ts";
import { chooseLoss } from "lib/loss_tools/choose.ts";
import type { Loss } from "lib/losses/loss.ts";
import { LOSSES } from "lib/losses/registry.ts";
import { run } from "lib/run/run.ts";
import { requirePlaces } from "lib/run/reproduce.ts";
import { COMPUTING } from "lib/run/model_settings.ts";
import { TRAIN_FLAGS, trainSettings } from "lib/run/settings.ts";
import { ELSEWHERE } from "lib/run/elsewhere.ts";
import {
  lossFlags,
  lossOptions,
  optionsElsewhere,
} from "./train/loss_flags.ts";
import { SILENT, trainingDisplay } from "./train/display.ts";
import { withGroup } from "./train/ranks.ts";
import { otherInputs, trainFile } from "./train/train_file.ts";

const FLAGS = {
  ...TRAIN_FLAGS,
  out: text({
    help: "folder to write the run to",
    placeholder: "DIR",
    required: true,
  }),
  resume: toggle({
    help: "continue the run in --out from its last checkpoint, or begin it",
  }),
  finish: toggle({
    help: "end the stopped run in --out: write the result of its last " +
      "checkpoint",
  }),
  ...grouped(COMPUTING, {
    distributed: choice(["mpi"], {
      help: "share every batch with the other processes that mpirun or " +
        "srun --mpi=pmix has started; the result is that of one",
    }),
  }),
} as const;

/** The verb with the options of a loss; those of the others it refuses by name. */
const trainWith = (loss: Loss | undefined, others: readonly Loss[]) => ({
  name: "train",
  summary: "Trains a model on preferences.",
  positionals: [{
    ...SETTINGS,
    help:
      `${SETTINGS.help}; or run.json of a run or of a comparison's run, whose settings are repeated`,
  }],
  flags: { ...lossFlags(loss, others, FLAGS), ...FLAGS },
  elsewhere: {
    ...optionsElsewhere(others),
    ...ELSEWHERE,
    ...SETTINGS_ELSEWHERE,
  },
  examples: [
    "deno task train --model ./SmolLM2-135M-Instruct --data pairs.jsonl --loss dpo --out out/dpo",
    "deno task train --model org/name@main --data org/pairs:train --loss kto --beta 0.3 --out out/kto",
    "deno task train --model ./model --data pairs.jsonl --loss dpo+0.2*sft --full --out out/sum",
    "deno task train mine.json --lr 1e-4 --out out/mine",
    "deno task train out/dpo/run.json --seed 1 --out out/again",
    "mpirun -n 4 --map-by slot:PE=8 deno task train mine.json --distributed mpi --out out/mine",
    "deno task train --help simpo",
  ],
} satisfies Verb);

/** Reads the command line; its loss decides which options it may have. */
async function parse() {
  const path = peekSettings(trainWith(undefined, LOSSES), Deno.args);
  const asked = peekFlag("loss", Deno.args);
  const { file, record } = path === undefined
    ? { file: null, record: null }
    : await trainFile(path, {
      loss: asked,
      data: peekFlag("data", Deno.args),
    });
  const named = asked ?? file?.values["loss"];
  const chosen = typeof named === "string"
    ? await chooseLoss(named)
    : undefined;
  const asksHelp = Deno.args.some((arg) => ["--help", "-h"].includes(arg));
  const verb = trainWith(chosen?.loss, asksHelp ? [] : LOSSES);
  const args = parseFlags(verb, Deno.args, file);
  if (args.help !== undefined) return args;
  const names = [...args.given].filter((name) => !(name in FLAGS));
  const options = lossOptions(chosen!.loss, args.values, names);
  const settings = trainSettings(args, options);
  return { ...args, chosen: chosen!, settings, record };
}

type Args = Exclude<Awaited<ReturnType<typeof parse>>, { help: string }>;

/** Runs the training on one of the processes that share it. */
async function trainOn(
  group: Group,
  { values, settings, chosen, record }: Args,
): Promise<void> {
  if (record) requirePlaces(settings, record);
  const { out, resume, finish } = values;
  const { hooks, end } = group.rank === 0 ? trainingDisplay() : SILENT;
  using listening = new DisposableStack();
  let interrupted: Interruption | undefined;
  const finished = await run(settings, {
    ...{ out, resume, finish, group, inputs: { loss: chosen } },
    ...hooks,
    stop: {
      get requested() {
        return interrupted?.requested === true;
      },
    },
    // Until then there is nothing to save, and a signal ends it at once.
    onPrepared: (prepared, memory) => {
      interrupted = listening.use(
        interruption(group.rank === 0 ? "this step" : null),
      );
      hooks.onPrepared?.(prepared, memory);
      const others = record && otherInputs(record, prepared);
      if (others && group.rank === 0) warn(others);
    },
  });
  end(finished?.record);
  if (group.rank > 0) return;
  if (finished) say(`Wrote ${out}`);
  else note("Stopped; go on with the same command and --resume");
}

/** Other ranks are silent where a launcher ends them with the first one. */
let isFirst = true;

await runVerb(
  parse,
  (args) =>
    withGroup(args.values, (group) => {
      isFirst = group.rank === 0;
      return trainOn(group, args);
    }),
  () =>
    isFirst
      ? "Stopped before anything was computed; repeat the same command"
      : undefined,
);
