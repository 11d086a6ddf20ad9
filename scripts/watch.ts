import { integer } from "lib/cli/flag.ts";
import { parseFlags } from "lib/cli/flags.ts";
import { interruption, runVerb, say } from "lib/cli/terminal.ts";
import type { Verb } from "lib/cli/verb.ts";
import { serveWatch } from "lib/watch/server.ts";

/** Folders to watch, where none is named. */
const FOLDERS = ["results", "out"];

const WATCH = {
  name: "watch",
  summary:
    "Serves a live page of the runs in folders, to this machine alone, until Ctrl-C.",
  positionals: [{
    name: "dir",
    help:
      `folders of runs, experiments and comparisons, or with such folders in them; they may appear later; if absent, ${
        FOLDERS.join(" and ")
      }`,
    many: true,
    optional: true,
  }],
  flags: {
    port: integer({
      help: "port of the page; 0 for a free one",
      default: 0,
      min: 0,
      max: 65535,
    }),
  },
  examples: [
    "deno task watch",
    "deno task watch out/compare --port 8000",
  ],
} as const satisfies Verb;

await runVerb(
  () => parseFlags(WATCH, Deno.args),
  async ({ positionals: { dir: named }, values: { port } }) => {
    const folders = named.length > 0 ? named : FOLDERS;
    using interrupted = interruption(null);
    const { signal } = interrupted;
    const { url, finished } = serveWatch(folders, { port, signal });
    say(`Watching ${folders.join(", ")} at ${url}`);
    await finished;
  },
);
