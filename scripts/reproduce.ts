import { findExperiment } from "experiments/all.ts";
import type { Reproduced } from "experiments/experiment.ts";
import { parseFlags } from "lib/flags.ts";
import { readRecord, type RunRecord } from "lib/record.ts";
import { differences } from "lib/record/differences.ts";
import { readMetrics } from "lib/record/metrics.ts";
import { progress, runVerb, say, table } from "lib/terminal.ts";
import type { Verb } from "lib/verb.ts";
import { dirname, join } from "node:path";

const REPRODUCE = {
  name: "reproduce",
  summary:
    "Runs again what a record says and compares, number by number, bit by bit.",
  positionals: [{ name: "path", help: "folder of a run, or its run.json" }],
  flags: {},
  examples: ["deno task reproduce results/frontier/dpo-beta1-seed1"],
} as const satisfies Verb;

/** What makes a run again, by the kind of its record. */
const KINDS: Readonly<
  Record<string, (record: RunRecord) => Promise<Reproduced>>
> = {
  experiment: (record) =>
    findExperiment(String(record.settings["experiment"]))
      .reproduce(record, { watch: progress }),
};

/** Rows of the table; the others are counted. */
const SHOWN = 40;

await runVerb(
  () => parseFlags(REPRODUCE, Deno.args),
  async ({ positionals: { path } }) => {
    const file = path.endsWith(".json") ? path : join(path, "run.json");
    const record = await readRecord(file);
    const rows = readMetrics(join(dirname(file), "metrics.jsonl"));
    const again = KINDS[record.kind];
    if (!again) {
      throw new Error(
        `Cannot reproduce ${file}: its kind is "${record.kind}", expected ${
          Object.keys(KINDS).join(" or ")
        }`,
      );
    }
    report(differencesOf({ record, rows }, await again(record)));
  },
);

function differencesOf(before: Reproduced, after: Reproduced) {
  return [
    ...differences(before.record, after.record)
      // Of files beside the record; what the metrics hold is compared itself.
      .filter(({ path }) => !path.startsWith("/artifacts")),
    ...differences({ metrics: before.rows }, { metrics: after.rows }),
  ];
}

function report(found: ReturnType<typeof differencesOf>): void {
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
