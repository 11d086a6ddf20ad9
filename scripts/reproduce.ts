import { existsSync } from "node:fs";
import { dirname, join, matchesGlob } from "node:path";
import { findExperiment } from "experiments/all.ts";
import { integer, number, text, toggle } from "lib/cli/flag.ts";
import { parseFlags } from "lib/cli/flags.ts";
import { runVerb, say, table } from "lib/cli/terminal.ts";
import type { Verb } from "lib/cli/verb.ts";
import { readRuns } from "lib/experiment/records.ts";
import { compareRuns } from "lib/record/compare_runs.ts";
import { CHECKOUT } from "lib/record/environment.ts";
import { readMetrics } from "lib/record/metrics.ts";
import {
  readRecord,
  type RecordedRun,
  type RunRecord,
} from "lib/record/record.ts";
import { staleFigures } from "./reproduce/figures.ts";
import { type Kind, KINDS, STOPPED } from "./reproduce/kinds.ts";
import { report } from "./reproduce/report.ts";

const place = (what: string) =>
  text({
    help: `the ${what} of a training run or a comparison, if it has moved`,
    placeholder: "PATH|ID",
  });

const REPRODUCE = {
  name: "reproduce",
  summary: "Repeats what records say and compares every number, bit by bit.",
  positionals: [{
    name: "path",
    help: "folder of a run, its run.json, or a folder of runs",
  }],
  flags: {
    model: place("model"),
    data: place("data"),
    evalData: place("evaluation data"),
    initAdapter: place("initial adapter"),
    loss: text({
      help: "a loss of your own, if its file has moved",
      placeholder: "FILE.ts|SUM",
    }),
    tolerance: number({
      help: "for other hardware: a number may differ by this share of the " +
        "largest that its name has in the run; rounding grows along training, " +
        "so leave room for the last step",
      default: 0,
      min: 0,
    }),
    only: text({
      help: "runs of a folder to repeat, by name; * stands for anything",
      placeholder: "NAME",
    }),
    jobs: integer({
      help: "processes that share the runs of an experiment",
      default: navigator.hardwareConcurrency,
      min: 1,
    }),
    fromFigures: toggle({
      help:
        "train nothing: make summary, figure, tables and the numbers that " +
        "READMEs quote anew from the records of an experiment, and compare",
    }),
  },
  examples: [
    "deno task reproduce results/frontier",
    "deno task reproduce results/frontier --only 'dpo-*'",
    "deno task reproduce results/frontier/exact",
    "deno task reproduce out/dpo --model ./SmolLM2-135M-Instruct --data pairs.jsonl",
    "deno task reproduce out/dpo --tolerance 0.001",
    "deno task reproduce results/frontier --from-figures",
  ],
} as const satisfies Verb;

await runVerb(
  () => parseFlags(REPRODUCE, Deno.args),
  async ({ positionals: { path }, values }) => {
    const { only, jobs, tolerance, fromFigures, ...sources } = values;
    if (fromFigures) return await checkFigures(path);
    const stored = await storedRuns(path, only);
    const records = stored.map(({ record }) => record);
    const { makesInputs = false, again } = kindOf(records, path);
    const repeated = await again(records, { sources, jobs });
    const options = { tolerance, makesInputs };
    const compared = stored.map((run, i) =>
      [run.record.name, compareRuns(run, repeated[i]!, options)] as const
    );
    report(compared, tolerance);
    const isDifferent = compared.some(([, { verdict }]) =>
      verdict === "different"
    );
    if (isDifferent) Deno.exitCode = 1;
  },
  () => STOPPED,
);

/** The run at a path, or those in a folder of runs. */
async function storedRuns(
  path: string,
  only = "*",
): Promise<readonly RecordedRun[]> {
  const file = path.endsWith(".json") ? path : join(path, "run.json");
  const all = file !== path && existsSync(path) && !existsSync(file)
    ? await readRuns(path)
    : [];
  if (all.length === 0) {
    const record = await readRecord(file);
    kindOf([record], file); // others may have no metrics
    return [{
      record,
      rows: readMetrics(join(dirname(file), "metrics.jsonl")),
    }];
  }
  const chosen = all.filter(({ record: { name } }) => matchesGlob(name, only));
  if (chosen.length > 0) return chosen;
  throw new Error(
    `Cannot reproduce "${only}" of ${path}: expected names such as ${
      all[0]!.record.name
    }`,
  );
}

/** The way to repeat runs, which are of one kind. */
function kindOf(records: readonly RunRecord[], path: string): Kind {
  const kinds = new Set(records.map(({ kind }) => kind));
  const [name = ""] = kinds;
  const kind = KINDS[name];
  if (kind && kinds.size === 1) return kind;
  throw new Error(
    `Cannot reproduce ${path}: its kind is "${
      [...kinds].join('" and "')
    }", expected ${Object.keys(KINDS).join(" or ")}`,
  );
}

/** Prints every place of results that does not follow from the records. */
async function checkFigures(folder: string): Promise<void> {
  const [first] = await readRuns(folder);
  const name = first?.record.settings["experiment"];
  if (name === undefined) {
    throw new Error(`Cannot use ${folder}: it has no runs of an experiment`);
  }
  const experiment = findExperiment(String(name));
  const checkout = CHECKOUT ?? Deno.cwd();
  const rows = await staleFigures(experiment, { folder, checkout });
  if (rows.length === 0) {
    return say("Summary, figure, tables and READMEs follow from the records");
  }
  Deno.exitCode = 1;
  table(rows);
  say(`${rows.length} do not follow from the records`);
}
