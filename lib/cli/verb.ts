import { boundsOf, type Flag, type Flags, labelOf, toggle } from "./flag.ts";
import { wrappedText } from "./terminal_text.ts";

/** An argument without a flag. */
export interface Positional {
  readonly name: string;
  readonly help: string;
  readonly optional?: boolean;
  /** Takes all remaining arguments, as an array; only the last one can. */
  readonly many?: boolean;
  /** Endings of the files that it may be, such as `.json`. @default any text */
  readonly endings?: readonly string[];
}

/** The command line of a program; declare it `as const satisfies Verb`. */
export interface Verb {
  readonly name: string;
  /** Command that starts it. @default `deno task ${name}` */
  readonly command?: string;
  readonly summary: string;
  readonly positionals?: readonly Positional[];
  /** By camelCase name: `maxLength` is `--max-length`. */
  readonly flags: Flags;
  /**
   * Flags of other programs, with underscores, each with the flag of this verb
   * that does the same, or a sentence. Those that name a flag which the verb
   * lacks do not count.
   *
   * @default none
   */
  readonly elsewhere?: Readonly<Record<string, string>>;
  /** Whole commands. */
  readonly examples: readonly string[];
}

/** Flags of every verb. */
export const COMMON: Flags = {
  debug: toggle({ help: "print errors with stack and causes" }),
  help: toggle({ help: "print this text" }),
};

/** Arguments by name: one text, one or none, or an array of all. */
export type PositionalValues<P extends readonly Positional[]> = {
  [X in P[number] as X["name"]]: X extends { many: true } ? string[]
    : X extends { optional: true } ? string | undefined
    : string;
};

type HelpRow = [label: string, help: string];

/** Columns of the help text, except for examples, which are meant to be copied. */
const COLUMNS = 100;
/** Columns of the labels; a longer label has a line of its own. */
const LABEL = 30;

/** Returns the help text of a verb: summary, usage, arguments, flags by group, examples. */
export function usage(verb: Verb): string {
  const { summary, positionals = [], flags, examples } = verb;
  const sections: Record<string, HelpRow[]> = {
    Arguments: positionals.map((p) => [placeOf(p), p.help]),
    Flags: [],
  };
  for (const [name, flag] of Object.entries({ ...flags, ...COMMON })) {
    (sections[flag.group ?? "Flags"] ??= [])
      .push([labelOf(name, flag), flag.help + notesOf(flag)]);
  }
  const labels = Object.values(sections).flat().map(([label]) => label.length);
  const width = Math.max(...labels.filter((length) => length <= LABEL));
  return [
    summary,
    usageLines(verb).join("\n"),
    ...Object.entries(sections).filter(([, rows]) => rows.length > 0)
      .map(([heading, rows]) =>
        [`${heading}:`, ...rows.flatMap((row) => rowLines(row, width))]
          .join("\n")
      ),
    ["Examples:", ...examples.map((example) => `  ${example}`)].join("\n"),
  ].join("\n\n");
}

function rowLines([label, help]: HelpRow, width: number): string[] {
  const margin = width + 4;
  const lines = help.split("\n").flatMap((line) =>
    wrappedText(" ".repeat(margin) + line, { margin, columns: COLUMNS })
  );
  if (label.length > width) return [`  ${label}`, ...lines];
  const [first, ...rest] = lines;
  return [`  ${label}`.padEnd(margin) + first!.slice(margin), ...rest];
}

/** Breaks the usage line, but never between a flag and its value. */
function usageLines(verb: Verb): string[] {
  const line = `Usage: ${usageLine(verb)}`.replaceAll(/(--\S+) /g, "$1\u00a0");
  return wrappedText(line, { margin: 4, columns: COLUMNS }).map((part) =>
    part.replaceAll("\u00a0", " ")
  );
}

/** The command of a verb with its arguments and required flags. */
export function usageLine(verb: Verb): string {
  const { name, command = `deno task ${name}`, positionals = [] } = verb;
  const required = Object.entries(verb.flags)
    .filter(([, flag]) => flag.kind !== "toggle" && flag.required)
    .map(([name, flag]) => labelOf(name, flag));
  return [command, ...positionals.map(placeOf), ...required, "[flags]"]
    .join(" ");
}

function placeOf({ name, many, optional }: Positional): string {
  const place = name.toUpperCase() + (many ? "..." : "");
  return optional ? `[${place}]` : place;
}

/** Bounds and default of a flag, in parentheses. */
function notesOf(flag: Flag): string {
  if (flag.kind === "toggle") return "";
  const notes = boundsOf(flag);
  if (flag.required) notes.unshift("required");
  const { default: value } = flag;
  const isShort = typeof value === "string" || flag.kind !== "parsed";
  if (isShort && value !== undefined) notes.push(`default ${value}`);
  return notes.length ? ` (${notes.join(", ")})` : "";
}
