import { findExperiment } from "experiments/all.ts";
import type { RecordedRun } from "lib/record/record.ts";
import { parseFlags } from "lib/cli/flags.ts";
import { readRecord, type RunRecord } from "lib/record/record.ts";
import { type CompareOptions, compareRuns } from "lib/record/compare_runs.ts";
import { readMetrics } from "lib/record/metrics.ts";
import { note, progress, runVerb, say, table } from "lib/cli/terminal.ts";
import { type FlagValues, number, text, toggle } from "lib/cli/flag.ts";
import type { Verb } from "lib/cli/verb.ts";
import { readRuns } from "lib/experiment/records.ts";
import { CHECKOUT } from "lib/record/environment.ts";
import { dirname, join } from "node:path";
import { reproduceTraining } from "lib/run/reproduce.ts";
import {
  causeRows,
  reasonText,
  resultRows,
  sameText,
  verdictText,
} from "./reproduce/comparison_text.ts";
import { staleFigures } from "./reproduce/figures.ts";

const place = (what: string) =>
  text({
    help: `the ${what} of a training run, if it has moved`,
    placeholder: "PATH|ID",
  });

const REPRODUCE = {
  name: "reproduce",
  summary: "Repeats what records say and compares every number, bit by bit.",
  positionals: [{
    name: "path",
    help: "folder of a run, or its run.json; with --from-figures, results",
  }],
  flags: {
    model: place("model"),
    data: place("data"),
    evalData: place("evaluation data"),
    initAdapter: place("initial adapter"),
    loss: text({
      help: "the loss of a training run, if its file has moved",
      placeholder: "FILE.ts|SUM",
    }),
    tolerance: number({
      help: "for other hardware: a number may differ by this share of the " +
        "largest that its name has in the run; rounding grows along training, " +
        "so leave room for the last step",
      default: 0,
      min: 0,
    }),
    fromFigures: toggle({
      help:
        "train nothing: make summary, figure, tables and the numbers that " +
        "READMEs quote anew from the records of an experiment, and compare",
    }),
  },
  examples: [
    "deno task reproduce results/frontier/dpo-beta1-seed1",
    "deno task reproduce out/dpo --model ./SmolLM2-135M-Instruct --data pairs.jsonl",
    "deno task reproduce out/dpo --tolerance 0.001",
    "deno task reproduce results/frontier --from-figures",
  ],
} as const satisfies Verb;

type Values = FlagValues<typeof REPRODUCE.flags>;

/** The way to repeat a run. */
interface Kind extends Pick<CompareOptions, "makesInputs"> {
  again(record: RunRecord, values: Values): Promise<RecordedRun>;
}

/** How runs are repeated, by the kind of their record. */
const KINDS: Readonly<Record<string, Kind>> = {
  train: {
    again: (record, { tolerance: _t, fromFigures: _f, ...sources }) =>
      reproduceTraining(record, { sources }),
  },
  experiment: {
    makesInputs: true,
    again: (record) =>
      findExperiment(String(record.settings["experiment"]))
        .reproduce(record, { watch: progress }),
  },
};

/** Rows of the table; the others are counted. */
const SHOWN = 40;

await runVerb(
  () => parseFlags(REPRODUCE, Deno.args),
  async ({ positionals: { path }, values }) => {
    if (values.fromFigures) return await checkFigures(path);
    const file = path.endsWith(".json") ? path : join(path, "run.json");
    const record = await readRecord(file);
    const kind = KINDS[record.kind];
    if (!kind) {
      throw new Error(
        `Cannot reproduce ${file}: its kind is "${record.kind}", expected ${
          Object.keys(KINDS).join(" or ")
        }`,
      );
    }
    const rows = readMetrics(join(dirname(file), "metrics.jsonl"));
    const again = await kind.again(record, values);
    report({ record, rows }, again, { ...kind, ...values });
  },
  () => "Stopped before the run was made again",
);

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

function report(
  before: RecordedRun,
  after: RecordedRun,
  options: Required<Pick<CompareOptions, "tolerance">> & CompareOptions,
): void {
  const found = compareRuns(before, after, options);
  if (found.added.length > 0) {
    note(`The record was made before it had ${found.added.join(", ")}`);
  }
  if (found.verdict === "different") {
    Deno.exitCode = 1;
    table(causeRows(found));
    const same = sameText(found);
    if (same) say(same);
    say(reasonText(found));
    table(resultRows(found, SHOWN));
    const hidden = found.beyond.length - SHOWN;
    if (hidden > 0) say(`${hidden} more are not shown`);
  }
  say(verdictText(found, options.tolerance));
}
