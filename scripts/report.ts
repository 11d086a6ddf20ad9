import { existsSync } from "node:fs";
import { join } from "node:path";
import { text } from "lib/cli/flag.ts";
import { parseFlags } from "lib/cli/flags.ts";
import { runVerb, say, warn } from "lib/cli/terminal.ts";
import type { Verb } from "lib/cli/verb.ts";
import { counted } from "lib/experiment/figure_parts.ts";
import { findResults } from "lib/report/find_results.ts";
import {
  CSV,
  JSON_LINES,
  writeMeasurements,
} from "lib/report/measurement_table.ts";
import { writeReport } from "lib/report/report.ts";

/** Folders of results, where none is named. */
const FOLDERS = ["results", "results/local"];

const REPORT = {
  name: "report",
  summary:
    "Builds a page for each experiment, comparison and training run, and an index of them. They open without network.",
  positionals: [{
    name: "dir",
    help: `folders of results, or with such folders in them; if absent, ${
      FOLDERS.join(" and ")
    }`,
    many: true,
    optional: true,
  }],
  flags: {
    out: text({
      help: "folder of the pages",
      placeholder: "DIR",
      default: "results/local/report",
    }),
    csv: text({
      help:
        "also write the metrics of all runs to a long table, a line for each measure of each step",
      placeholder: "FILE",
    }),
    jsonl: text({
      help: "also write that table in JSON Lines",
      placeholder: "FILE",
    }),
  },
  examples: [
    "deno task report",
    "deno task report out/compare out/dpo --out out/report",
    "deno task report results/frontier --csv frontier.csv",
  ],
} as const satisfies Verb;

await runVerb(
  () => parseFlags(REPORT, Deno.args),
  async ({ positionals: { dir: named }, values: { out, csv, jsonl } }) => {
    const folders = named.length > 0 ? named : FOLDERS.filter(existsSync);
    const all = await findResults(folders);
    if (all.length === 0) {
      throw new Error(
        `Cannot report on ${
          folders.join(", ") || FOLDERS[0]
        }: found no results, expected those of an experiment, a comparison or a training run`,
      );
    }
    let defects = 0;
    const onDefect = (reason: string) => {
      defects++;
      warn(reason);
    };
    const shown = await writeReport(all, { out, onDefect });
    say(
      `Wrote ${join(out, "index.html")} and ${
        counted(shown, "page")
      } beside it`,
    );
    for (const [path, form] of [[csv, CSV], [jsonl, JSON_LINES]] as const) {
      if (path === undefined) continue;
      await writeMeasurements(all, { path, form, onDefect });
      say(`Wrote ${path}`);
    }
    if (defects > 0) {
      throw new Error(`Cannot show all of ${all.length} results`);
    }
  },
);
