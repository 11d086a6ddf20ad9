import { range } from "experiments/run_directly.ts";
import { SITE_FLAGS } from "experiments/sites/flags.ts";
import {
  camel,
  grouped,
  integer,
  number,
  parsed,
  text,
  toggle,
} from "lib/cli/flag.ts";
import type { SettingsIn, Simple } from "lib/cli/settings_file.ts";
import { isObject } from "lib/files/values.ts";
import { TRAIN_FLAGS } from "lib/run/settings.ts";

const {
  loss: _loss,
  seed: _seed,
  evalEvery: _every,
  saveEvery: _save,
  ...SHARED
} = TRAIN_FLAGS;

/** Flags of a comparison, except for the options of its losses. */
export const COMPARE_FLAGS = {
  ...SHARED,
  batch: { ...SHARED.batch, help: "pairs a step, whatever the method" },
  loss: parsed({
    help:
      "losses to compare, separated by commas, each a name or a file such as ./mine.ts; the others are compared with the first; compare --help NAME,... lists their options",
    placeholder: "NAME,...",
    required: true,
    expected: "names or files of losses, separated by commas",
    parse: (text) => text.split(",").map((name) => name.trim()),
    is: areNames,
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
      is: areOwnSettings,
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
      excludes: { flags: ["lr"], because: "which chooses rates" },
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
    heldOutSeed: integer({
      help:
        "draw of the prompts that are held out: another number, other prompts",
      default: 0,
      min: 0,
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
    judge: text({
      help:
        'command that scores answers, run without a shell: it reads JSON lines with id, prompt and answer, and writes {"score": NUMBER} for each in order, higher for a better one; records have its text, and other contents of a file that it names make other runs',
      placeholder: "COMMAND",
    }),
    rewardModel: text({
      help:
        "classifier in ONNX that scores answers: a folder with tokenizer.json, config.json and model.onnx, or that file",
      placeholder: "DIR|FILE",
      excludes: { flags: ["judge"], because: "which scores answers, too" },
    }),
    choices: text({
      help:
        "questions with prompt, choices, and answer (a number from 0) or labels (0 and 1), or TruthfulQA's mc1_targets and mc2_targets; measured by the likeliest choice",
      placeholder: "FILE|ID",
    }),
  }),
  jobs: integer({
    help:
      "processes that share the runs, each with the model in its memory, one if absent; or jobs of a cluster at a time, as many as it may have if absent",
    min: 1,
  }),
  ...SITE_FLAGS,
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
  dryRun: toggle({
    help:
      "print the runs instead, with their steps and an estimate of memory " +
      "and time from a few that are measured; with --on what it would submit",
  }),
} as const;

/**
 * The settings of a file for `compare`, by the names of its flags. All may be
 * on the command line instead.
 *
 * @example
 * ```ts
 * import type { CompareFile } from "experiments/comparison/flags.ts";
 *
 * export default {
 *   model: "HuggingFaceTB/SmolLM2-135M-Instruct",
 *   data: "pairs.jsonl",
 *   loss: ["dpo", "kto", "orpo"],
 *   beta: [0.05, 0.1],
 *   seeds: 3,
 *   set: { orpo: { lambda: [0.1, 1], lr: 5e-5 } },
 *   out: "out/compare",
 * } satisfies CompareFile;
 * ```
 */
export type CompareFile = SettingsIn<typeof COMPARE_FLAGS> & {
  /** Options of the losses, each a value or a list of them. */
  readonly [option: string]: unknown;
};

function areNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 &&
    value.every((name) => typeof name === "string" && name !== "");
}

/** Options and rates of losses alone, by loss and name; a list is an axis. */
export type OwnSettings = Readonly<
  Record<string, Readonly<Record<string, Simple | readonly Simple[]>>>
>;

/** Reads `LOSS.NAME=VALUE,…,LOSS.NAME=VALUE,…`. */
export function parseOwnSettings(text: string): OwnSettings | undefined {
  const own: Record<string, Record<string, string>> = {};
  for (const part of text.split(/,(?=[\w-]+\.[\w-]+=)/)) {
    const [, loss, name, value] = part.match(/^([\w-]+)\.([\w-]+)=(.+)$/) ?? [];
    if (value === undefined) return undefined;
    own[loss!] = { ...own[loss!], [camel(name!)]: value };
  }
  return own;
}

function areOwnSettings(value: unknown): value is OwnSettings {
  const isSimple = (one: unknown) =>
    ["string", "number", "boolean"].includes(typeof one);
  return isObject(value) &&
    Object.values(value).every((own) =>
      isObject(own) && Object.values(own).flat().every(isSimple)
    );
}
