import { existsSync } from "node:fs";
import { join } from "node:path";
import { text } from "lib/cli/flag.ts";
import { parseFlags } from "lib/cli/flags.ts";
import { runVerb, say, warn } from "lib/cli/terminal.ts";
import type { Verb } from "lib/cli/verb.ts";
import { counted } from "lib/experiment/figure_parts.ts";
import { findResults } from "lib/report/find_results.ts";
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
  },
  examples: [
    "deno task report",
    "deno task report out/compare out/dpo --out out/report",
  ],
} as const satisfies Verb;

await runVerb(
  () => parseFlags(REPORT, Deno.args),
  async ({ positionals: { dir: named }, values: { out } }) => {
    const folders = named.length > 0 ? named : FOLDERS.filter(existsSync);
    const all = await findResults(folders);
    if (all.length === 0) {
      throw new Error(
        `Cannot report on ${
          folders.join(", ") || FOLDERS[0]
        }: found no results, expected those of an experiment, a comparison or a training run`,
      );
    }
    const shown = await writeReport(all, { out, onDefect: warn });
    say(
      `Wrote ${join(out, "index.html")} and ${
        counted(shown, "page")
      } beside it`,
    );
    if (shown < all.length) {
      throw new Error(
        `Cannot show ${all.length - shown} of ${all.length} results`,
      );
    }
  },
);
