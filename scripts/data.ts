import { mappingParts } from "lib/data/formats/mapping.ts";
import { findFormat, FORMATS } from "lib/data/formats/registry.ts";
import { parseFlags, UsageError } from "lib/cli/flags.ts";
import { runVerb, say, table } from "lib/cli/terminal.ts";
import {
  choice,
  type FlagValues,
  integer,
  kebab,
  text,
  toggle,
} from "lib/cli/flag.ts";
import type { Verb } from "lib/cli/verb.ts";
import { check } from "./data/check.ts";
import { convert } from "./data/convert.ts";
import { inspect } from "./data/inspect.ts";
import { TARGETS } from "./data/outputs.ts";
import { ELSEWHERE } from "lib/run/elsewhere.ts";
import { CONVERSION_FLAGS, READING_FLAGS, ROWS } from "lib/run/row_settings.ts";
import { TOKEN_FLAGS } from "./data/tokens.ts";

const DATA = {
  name: "data",
  summary: "Shows, checks and converts preference data.",
  positionals: [
    {
      name: "action",
      help:
        "inspect: counts and lengths, and some rows as training sees them\n" +
        "check: findings of what may be wrong\n" +
        "convert: rows in the layout of another trainer, after conversions\n" +
        "formats: the known layouts",
    },
    {
      name: "data",
      help: "FILE, folder, ID[@REVISION][:SPLIT], or dataset_info.json:NAME",
      optional: true,
    },
  ],
  flags: {
    html: text({ help: "HTML page that inspect writes", placeholder: "FILE" }),
    samples: integer({ help: "rows that inspect shows", default: 3, min: 0 }),
    eval: text({
      help: "evaluation data, whose rows check looks for in the training data",
      placeholder: "FILE|ID",
    }),
    json: toggle({ help: "check prints one JSON object" }),
    strict: toggle({ help: "check fails if something is wrong" }),
    to: choice(TARGETS, { help: "layout that convert writes" }),
    out: text({
      help: "file that convert writes, .jsonl or .json",
      placeholder: "FILE",
    }),
    ...READING_FLAGS,
    limit: integer({ help: "most rows to read", min: 1, group: ROWS }),
    ...TOKEN_FLAGS,
    ...CONVERSION_FLAGS,
    seed: integer({
      help: "seed of draws and shuffles",
      default: 0,
      group: CONVERSION_FLAGS.flip.group,
    }),
  },
  elsewhere: ELSEWHERE,
  examples: [
    "deno task data inspect pairs.jsonl",
    "deno task data inspect pairs.jsonl --model org/name --html pairs.html",
    'deno task data inspect votes.jsonl --format "prompt=question; a=first; b=second; verdict=best; a-wins=1; b-wins=2"',
    "deno task data check train.jsonl --eval test.jsonl --model org/name --max-length 1024",
    "deno task data convert pairs.jsonl --to trl --unpair --out labels.jsonl",
    "deno task data convert votes.jsonl --to tokens --soft-labels --model org/name --out ids.jsonl",
    "deno task data convert org/data:train --to tokens --model org/name --out ids.jsonl",
  ],
} as const satisfies Verb;

type Values = FlagValues<typeof DATA.flags>;

interface Action {
  /** Flags that it does not read. */
  readonly without: readonly string[];
  run(path: string, values: Values): Promise<void>;
}

const CONVERSIONS = ["to", "out", ...Object.keys(CONVERSION_FLAGS), "seed"];

const ACTIONS: Readonly<Record<string, Action>> = {
  inspect: {
    without: [...CONVERSIONS, "eval", "json", "strict"],
    run: inspect,
  },
  check: { without: [...CONVERSIONS, "samples", "html"], run: check },
  convert: {
    without: ["html", "samples", "eval", "json", "strict"],
    run: convert,
  },
};

function listFormats(): void {
  table(
    FORMATS.map(({ name, kind, summary }) => ({
      name,
      kind,
      columns: summary,
    })),
  );
  say('\nOther columns are read by a mapping, --format "PART=COLUMN; …":\n');
  table(mappingParts());
  say(
    "\nSHP and orca_dpo_pairs, for example, are found by their columns:\n" +
      "  --data stanfordnlp/SHP:legal/train\n" +
      "  --data Intel/orca_dpo_pairs\n" +
      "Columns like SHP's under other names are read by a mapping like its own:\n" +
      `  --format "${findFormat("shp").summary}"`,
  );
}

function assertRead(action: string, given: ReadonlySet<string>): void {
  const unread = ACTIONS[action]!.without.find((name) => given.has(name));
  if (unread === undefined) return;
  throw new UsageError(
    `Cannot use --${kebab(unread)}: ${action} does not read it`,
  );
}

await runVerb(
  () => parseFlags(DATA, Deno.args),
  async ({ positionals: { action, data }, values, given }) => {
    if (action === "formats") return listFormats();
    if (!Object.hasOwn(ACTIONS, action)) {
      throw new UsageError(
        `Unknown action "${action}"; expected one of ${
          [...Object.keys(ACTIONS), "formats"].join(", ")
        }`,
      );
    }
    assertRead(action, given);
    if (data === undefined) {
      throw new UsageError(
        `Missing argument DATA of ${action}: expected a file`,
      );
    }
    await ACTIONS[action]!.run(data, values);
  },
);
