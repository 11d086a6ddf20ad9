interface Described {
  /** A line break in it begins a new line of the help text. */
  readonly help: string;
  /** Heading of the help text under which the flag stands. */
  readonly group?: string;
}

interface Valued<T> extends Described {
  /** A flag without a default may be absent, unless it is required. */
  readonly default?: T;
  readonly required?: boolean;
}

/** Any text but the empty one. */
export interface TextFlag extends Valued<string> {
  readonly kind: "text";
  /** What the value stands for in the help text, such as `DIR`. */
  readonly placeholder?: string;
}

/** A finite number; `min` and `max` belong to its range, `above` and `below` do not. */
export interface NumberFlag extends Valued<number> {
  readonly kind: "number" | "integer";
  readonly above?: number;
  readonly min?: number;
  readonly below?: number;
  readonly max?: number;
}

/** One of a few words. */
export interface ChoiceFlag extends Valued<string> {
  readonly kind: "choice";
  readonly choices: readonly string[];
}

/** No value: true when given, else false. */
export interface ToggleFlag extends Described {
  readonly kind: "toggle";
}

/** A flag as plain data, so that a loss can declare its options without this file. */
export type Flag = TextFlag | NumberFlag | ChoiceFlag | ToggleFlag;

/** An argument without a flag. */
export interface Positional {
  readonly name: string;
  readonly help: string;
  readonly optional?: boolean;
  /** Takes all that are left, as an array; only the last one can. */
  readonly many?: boolean;
}

/** What a program takes from its command line; declare it `as const satisfies Verb`. */
export interface Verb {
  readonly name: string;
  /** How it is started, `deno task ${name}` unless given. */
  readonly command?: string;
  readonly summary: string;
  readonly positionals?: readonly Positional[];
  /** By camelCase name: `maxLength` is `--max-length`. */
  readonly flags: Readonly<Record<string, Flag>>;
  /** Whole commands. */
  readonly examples: readonly string[];
}

type Options<F extends Flag> = Omit<F, "kind" | "choices">;

/** Refuses misspelt options, which a type parameter alone lets through. */
type Exact<O, Known> =
  & O
  & Readonly<Record<Exclude<keyof O, keyof Known>, never>>;

/** A constructor of one kind of flag that keeps what its options say. */
function flag<F extends Flag>(kind: F["kind"]) {
  return <const O extends Options<F>>(
    options: Exact<O, Options<F>>,
  ): O & { readonly kind: F["kind"] } => ({ ...options, kind });
}

export const text = flag<TextFlag>("text");
export const integer = flag<NumberFlag>("integer");
export const number = flag<NumberFlag>("number");
export const toggle = flag<ToggleFlag>("toggle");

export function choice<
  const C extends string,
  const O extends Options<ChoiceFlag> & { readonly default?: C },
>(
  choices: readonly C[],
  options: Exact<O, Options<ChoiceFlag>>,
): O & { readonly kind: "choice"; readonly choices: readonly C[] } {
  return { ...options, kind: "choice", choices };
}

/** What every verb has. */
export const COMMON: Verb["flags"] = {
  debug: toggle({ help: "print errors with stack and causes" }),
  help: toggle({ help: "print this text" }),
};

type ValueOf<F> = F extends { kind: "toggle" } ? boolean
  : F extends { kind: "text" } ? string
  : F extends { kind: "choice"; choices: readonly (infer C)[] } ? C
  : number;

/** What always has a value. */
type Certain = { kind: "toggle" } | { default: unknown } | { required: true };

type Flat<T> = { [K in keyof T]: T[K] };

/** Values by name; a flag that may be absent is an optional property. */
export type FlagValues<F extends Verb["flags"]> = Flat<
  & { [K in keyof F as F[K] extends Certain ? K : never]: ValueOf<F[K]> }
  & { [K in keyof F as F[K] extends Certain ? never : K]?: ValueOf<F[K]> }
>;

/** Arguments by name: one text, one or none, or an array of all. */
export type PositionalValues<P extends readonly Positional[]> = {
  [X in P[number] as X["name"]]: X extends { many: true } ? string[]
    : X extends { optional: true } ? string | undefined
    : string;
};

type Row = [label: string, help: string];

/** Columns of the help text, but for examples, which are there to be copied. */
const COLUMNS = 100;
/** A longer label has a line of its own. */
const LABEL = 30;

/** Help text of a verb: summary, usage line, arguments, flags by group, examples. */
export function usage(verb: Verb): string {
  const { summary, positionals = [], flags, examples } = verb;
  const sections: Record<string, Row[]> = {
    Arguments: positionals.map((p) => [placeOf(p), p.help]),
    Flags: [],
  };
  for (const [name, flag] of Object.entries({ ...flags, ...COMMON })) {
    (sections[flag.group ?? "Flags"] ??= [])
      .push([labelOf(kebab(name), flag), flag.help + notesOf(flag)]);
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

function rowLines([label, help]: Row, width: number): string[] {
  const margin = width + 4;
  const lines = help.split("\n").flatMap((line) =>
    wrapped(" ".repeat(margin) + line, margin)
  );
  if (label.length > width) return [`  ${label}`, ...lines];
  const [first, ...rest] = lines;
  return [`  ${label}`.padEnd(margin) + first!.slice(margin), ...rest];
}

/** The usage line, never broken between a flag and its value. */
function usageLines(verb: Verb): string[] {
  const line = `Usage: ${usageLine(verb)}`.replaceAll(/(--\S+) /g, "$1\u00a0");
  return wrapped(line, 4).map((part) => part.replaceAll("\u00a0", " "));
}

/** Text as lines that fit the columns, all but the first behind a margin. */
function wrapped(text: string, margin: number): string[] {
  if (text.length <= COLUMNS) return [text];
  const end = text.lastIndexOf(" ", COLUMNS);
  if (end <= margin) return [text];
  const rest = " ".repeat(margin) + text.slice(end + 1);
  return [text.slice(0, end), ...wrapped(rest, margin)];
}

/** How a verb is started, in one line. */
export function usageLine(verb: Verb): string {
  const { name, command = `deno task ${name}`, positionals = [] } = verb;
  const required = Object.entries(verb.flags)
    .filter(([, flag]) => flag.kind !== "toggle" && flag.required)
    .map(([name, flag]) => labelOf(kebab(name), flag));
  return [command, ...positionals.map(placeOf), ...required, "[flags]"]
    .join(" ");
}

function placeOf({ name, many, optional }: Positional): string {
  const place = name.toUpperCase() + (many ? "..." : "");
  return optional ? `[${place}]` : place;
}

/** A flag with what it takes: `--out DIR`. */
export function labelOf(name: string, flag: Flag): string {
  if (flag.kind === "toggle") {
    return name === "help" ? "-h, --help" : `--${name}`;
  }
  return `--${name} ${placeholder(flag)}`;
}

function placeholder(flag: Exclude<Flag, ToggleFlag>): string {
  if (flag.kind === "text") return flag.placeholder ?? "TEXT";
  if (flag.kind === "choice") return flag.choices.join("|");
  return flag.kind.toUpperCase();
}

/** What stands in parentheses after the help of a flag. */
function notesOf(flag: Flag): string {
  if (flag.kind === "toggle") return "";
  const notes = boundsOf(flag);
  if (flag.required) notes.unshift("required");
  if (flag.default !== undefined) notes.push(`default ${flag.default}`);
  return notes.length ? ` (${notes.join(", ")})` : "";
}

function boundsOf(flag: Flag): string[] {
  if (flag.kind !== "number" && flag.kind !== "integer") return [];
  const { above, min, below, max } = flag;
  return Object.entries({ above, "at least": min, below, "at most": max })
    .filter(([, bound]) => bound !== undefined)
    .map(([words, bound]) => `${words} ${bound}`);
}

/** What a flag takes, for an error to say: `a number above 0`. */
export function expectation(flag: Flag): string {
  switch (flag.kind) {
    case "toggle":
      return "no value";
    case "text":
      return placeholder(flag);
    case "choice":
      return flag.choices.join(", ").replace(/, ([^,]*)$/, " or $1");
  }
  const kind = flag.kind === "integer" ? "an integer" : "a number";
  const bounds = boundsOf(flag).join(" and ").replace(/^at/, "of at");
  return `${kind} ${bounds}`.trimEnd();
}

/** `maxLength` → `max-length` */
export function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
