import { join } from "node:path";
import { writeTextAtomically } from "lib/files/atomic.ts";
import { makeFolder } from "lib/files/temporary.ts";
import { readCases } from "lib/loss_tools/case_file.ts";
import { chooseLoss } from "lib/loss_tools/choose.ts";
import {
  blockJson,
  evaluateBlock,
  type EvaluatedCase,
} from "lib/loss_tools/cases.ts";
import { parseFlags, UsageError } from "lib/cli/flags.ts";
import { describeRequirements } from "lib/train/requirements.ts";
import type { LossOptions } from "lib/losses/options.ts";
import { KNOWN_NAMES } from "lib/losses/known_names.ts";
import { LOSSES } from "lib/losses/registry.ts";
import { lossAtlasHtml, lossPageHtml } from "lib/plot/loss_page.ts";
import { defaultsText, lossSheet } from "lib/loss_tools/loss_sheet.ts";
import type { LossSheet } from "lib/plot/loss_panels.ts";
import { runVerb, say, table } from "lib/cli/terminal.ts";
import { wrappedText } from "lib/cli/terminal_text.ts";
import { kebab, text } from "lib/cli/flag.ts";
import type { Verb } from "lib/cli/verb.ts";

const LOSSES_VERB = {
  name: "losses",
  summary: "Lists all losses, explains one, or evaluates them on numbers.",
  positionals: [
    {
      name: "action",
      help: "show NAME: one loss, and a page with its formula and figures\n" +
        "atlas: one page with all losses side by side\n" +
        "eval FILE: losses and gradients at the log-probabilities in a file\n" +
        "if absent: all losses, with what they need and their options, and\n" +
        "methods that are sums of them, such as RPO and MPO",
      optional: true,
    },
    {
      name: "subject",
      help: "a loss as --loss of train takes it, or a file of cases",
      optional: true,
    },
  ],
  flags: {
    out: text({
      help: "folder that show and atlas write to",
      placeholder: "DIR",
      default: "results/losses",
    }),
    json: text({ help: "file that eval writes to", placeholder: "FILE" }),
  },
  examples: [
    "deno task losses",
    "deno task losses show dpo",
    "deno task losses atlas",
    "deno task losses eval cases.json --json ours.json",
  ],
} as const satisfies Verb;

interface ActionArguments {
  readonly subject: string | undefined;
  readonly out: string;
  readonly json: string | undefined;
}

const ACTIONS: Readonly<
  Record<string, (wanted: ActionArguments) => Promise<void>>
> = {
  show,
  atlas,
  eval: evaluate,
};

/** Columns that every terminal has. */
const COLUMNS = 80;

/**
 * Lists every loss: its title, what it reads and needs, and its options; then
 * methods that are sums or options of these.
 */
function list(): void {
  const entries = [
    ...LOSSES.map((loss) => ({
      name: loss.id,
      facts: [
        loss.title,
        [loss.data, ...describeRequirements(loss)].join(", "),
        optionsText(loss.options),
      ].filter((fact) => fact),
    })),
    ...KNOWN_NAMES.map(({ name, title, means }) => ({
      name,
      facts: [`is --loss ${means}`, title],
    })),
  ];
  const margin = Math.max(...entries.map(({ name }) => name.length)) + 2;
  for (const { name, facts } of entries) {
    const lines = facts.flatMap((fact) =>
      wrappedText(" ".repeat(margin) + fact, { margin, columns: COLUMNS })
    );
    say(name + lines.join("\n").slice(name.length));
  }
}

/** Options with their defaults; toggles, which are off, in brackets. */
function optionsText(options: LossOptions): string {
  const toggles = Object.entries(options).flatMap(([name, { kind }]) =>
    kind === "toggle" ? `[${kebab(name)}]` : []
  );
  return [defaultsText(options), ...toggles].filter((part) => part).join(", ");
}

async function show({ subject, out }: ActionArguments): Promise<void> {
  if (subject === undefined) throw missing("show", "the name of a loss");
  const { loss } = await chooseLoss(subject);
  const sheet = await lossSheet(loss);
  const name = loss.id.replaceAll("*", "x");
  const path = await writePage(out, `${name}.html`, lossPageHtml(sheet));
  say(sheetText(sheet));
  say(`\nWrote ${path}`);
}

async function atlas({ subject, out }: ActionArguments): Promise<void> {
  if (subject !== undefined) {
    throw new UsageError(
      `Unexpected argument "${subject}": atlas shows all losses`,
    );
  }
  const sheets: LossSheet[] = [];
  for (const loss of LOSSES) sheets.push(await lossSheet(loss));
  say(`Wrote ${await writePage(out, "index.html", lossAtlasHtml(sheets))}`);
}

async function writePage(
  folder: string,
  name: string,
  html: string,
): Promise<string> {
  using _ = await makeFolder(folder);
  const path = join(folder, name);
  await writeTextAtomically(path, html);
  return path;
}

async function evaluate({ subject, json }: ActionArguments): Promise<void> {
  if (subject === undefined) throw missing("eval", "a file of cases");
  if (json === undefined) throw missing("eval", "--json FILE to write");
  const blocks = await readCases(subject);
  const evaluated: EvaluatedCase[][] = [];
  for (const block of blocks) evaluated.push(await evaluateBlock(block));
  const result = {
    about:
      "Losses and their gradients by log-probabilities, in float32, by prefgrad",
    blocks: blocks.map((block, i) => blockJson(block, evaluated[i]!)),
  };
  await writeTextAtomically(json, JSON.stringify(result, null, 1) + "\n");
  table(
    evaluated.flatMap((cases, i) =>
      cases.map(({ name, loss, options, vectors }) => ({
        block: i + 1,
        case: name,
        loss: loss.id,
        options: Object.entries(options)
          .map(([name, value]) => `${kebab(name)} ${value}`).join(", "),
        vectors: Object.keys(vectors).join(", "),
      }))
    ),
  );
  say(`Wrote ${json}`);
}

/** The page of a loss as text for the terminal. */
function sheetText(
  { id, title, formula, derivation, options, presets, ...sheet }: LossSheet,
): string {
  const facts = Object.entries({
    needs: sheet.needs,
    batch: sheet.statistics,
    "at π = π_ref": sheet.start,
    source: sheet.source,
  }).flatMap(([name, text]) => text === null ? [] : { name, text });
  const part = (heading: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : [heading, ...lines.map((line) => `  ${line}`)];
  const entries = (list: LossSheet["options"]) => {
    const width = Math.max(...list.map(({ name }) => name.length));
    return list.map(({ name, text }) => `${name.padEnd(width)}  ${text}`);
  };
  return [
    `${id}: ${title}`,
    ...part("", [formula]),
    ...part("", entries(facts)),
    ...part("\nDerivation:", derivation.map(numberedStep)),
    ...part("\nOptions:", entries(options)),
    ...part("\nIn other trainers:", entries(presets)),
  ].join("\n");
}

function numberedStep(step: string, i: number): string {
  return `${i + 1}. ${step.replaceAll("`", "")}`;
}

function missing(action: string, what: string): Error {
  return new UsageError(`Missing argument of ${action}: expected ${what}`);
}

await runVerb(
  () => parseFlags(LOSSES_VERB, Deno.args),
  async ({ positionals: { action, subject }, values: { out, json } }) => {
    if (json !== undefined && action !== "eval") {
      throw new UsageError(
        "Cannot use --json: only eval writes a file of cases",
      );
    }
    if (action === undefined) return list();
    if (Object.hasOwn(ACTIONS, action)) {
      return await ACTIONS[action]!({ subject, out, json });
    }
    throw new UsageError(
      `Unknown action "${action}"; expected one of ${
        Object.keys(ACTIONS).join(", ")
      }`,
    );
  },
);
