import { findExperiment } from "experiments/all.ts";
import type { RecordedRun } from "lib/record/record.ts";
import { parseFlags } from "lib/cli/flags.ts";
import { readRecord, type RunRecord } from "lib/record/record.ts";
import { differences } from "lib/record/differences.ts";
import { readMetrics } from "lib/record/metrics.ts";
import { note, progress, runVerb, say, table } from "lib/cli/terminal.ts";
import { type FlagValues, text } from "lib/cli/flag.ts";
import type { Verb } from "lib/cli/verb.ts";
import { dirname, join } from "node:path";
import { reproduceTraining } from "lib/run/reproduce.ts";

const place = (what: string) =>
  text({
    help: `the ${what} of a training run, if it has moved`,
    placeholder: "PATH|ID",
  });

const REPRODUCE = {
  name: "reproduce",
  summary: "Repeats a recorded run and compares every number, bit by bit.",
  positionals: [{ name: "path", help: "folder of a run, or its run.json" }],
  flags: {
    model: place("model"),
    data: place("data"),
    evalData: place("evaluation data"),
    initAdapter: place("initial adapter"),
    loss: text({
      help: "the loss of a training run, if its file has moved",
      placeholder: "FILE.ts|SUM",
    }),
  },
  examples: [
    "deno task reproduce results/frontier/dpo-beta1-seed1",
    "deno task reproduce out/dpo --model ./SmolLM2-135M-Instruct --data pairs.jsonl",
  ],
} as const satisfies Verb;

/** Present locations of inputs: a record names files without their folders. */
type Sources = FlagValues<typeof REPRODUCE.flags>;

/** Functions that repeat a run, by the kind of its record. */
const KINDS: Readonly<
  Record<string, (record: RunRecord, sources: Sources) => Promise<RecordedRun>>
> = {
  train: (record, sources) => reproduceTraining(record, { sources }),
  experiment: (record) =>
    findExperiment(String(record.settings["experiment"]))
      .reproduce(record, { watch: progress }),
};

/** Rows of the table; the others are counted. */
const SHOWN = 40;

await runVerb(
  () => parseFlags(REPRODUCE, Deno.args),
  async ({ positionals: { path }, values }) => {
    const file = path.endsWith(".json") ? path : join(path, "run.json");
    const record = await readRecord(file);
    const again = KINDS[record.kind];
    if (!again) {
      throw new Error(
        `Cannot reproduce ${file}: its kind is "${record.kind}", expected ${
          Object.keys(KINDS).join(" or ")
        }`,
      );
    }
    const rows = readMetrics(join(dirname(file), "metrics.jsonl"));
    report(differencesOf({ record, rows }, await again(record, values)));
  },
  () => "Stopped before the run was made again",
);

function differencesOf(before: RecordedRun, after: RecordedRun) {
  return [
    ...differences(before.record, after.record),
    ...differences({ metrics: before.rows }, { metrics: after.rows }),
  ];
}

function report(all: ReturnType<typeof differencesOf>): void {
  // An older program recorded less.
  const found = all.filter(({ before }) => before !== undefined);
  if (found.length < all.length) {
    const added = all.filter(({ before }) => before === undefined);
    note(
      `The record was made before it had ${
        added.map(({ path }) => path).join(", ")
      }`,
    );
  }
  if (found.length === 0) return say("Identical, bit for bit");
  Deno.exitCode = 1;
  table(
    found.slice(0, SHOWN).map(({ path, before, after }) => ({
      place: path,
      recorded: JSON.stringify(before) ?? "nothing",
      again: JSON.stringify(after) ?? "nothing",
    })),
  );
  const hidden = found.length - SHOWN;
  say(
    `${found.length} ${found.length === 1 ? "difference" : "differences"}${
      hidden > 0 ? `, of which ${hidden} are not shown` : ""
    }`,
  );
}
