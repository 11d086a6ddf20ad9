import { extname } from "node:path";
import { parseArgs } from "node:util";
import { type Flag, type FlagValues, kebab } from "./flag.ts";
import { unreadable, valueOf } from "./flag_value.ts";
import { givenValues } from "./given_values.ts";
import { meant } from "./nearest.ts";
import { SETTINGS, type SettingsFile } from "./settings_file.ts";
import {
  COMMON,
  type PositionalValues,
  usage,
  usageLine,
  type Verb,
} from "./verb.ts";

/** A command line that is wrong whatever the files are: exit status 2. */
export class UsageError extends Error {}

/** A command line that was read. */
export interface Args<V extends Verb> {
  help?: never;
  values: FlagValues<V["flags"]>;
  /** Names of the flags that were given. */
  given: ReadonlySet<string>;
  positionals: PositionalValues<NonNullable<V["positionals"]>>;
  /** Whether `--debug` was given, which every verb has. */
  debug: boolean;
}

/**
 * Reads a command line.
 *
 * @example Types follow the declaration
 * ```ts
 * import { parseFlags } from "lib/cli/flags.ts";
 * import { number, text } from "lib/cli/flag.ts";
 * import type { Verb } from "lib/cli/verb.ts";
 * import { deepStrictEqual } from "node:assert/strict";
 *
 * const fit = {
 *   name: "fit",
 *   summary: "Fits a line.",
 *   flags: {
 *     out: text({ help: "folder to write", placeholder: "DIR" }),
 *     maxError: number({ help: "error at which to stop", default: 0.1, above: 0 }),
 *   },
 *   examples: ["deno task fit --max-error 1e-3"],
 * } as const satisfies Verb;
 *
 * const parsed = parseFlags(fit, ["--max-error", "1e-3"]);
 * deepStrictEqual(parsed.help ?? parsed.values, { maxError: 1e-3 });
 * ```
 *
 * @param file has values of flags that are not on the command line.
 * @returns the values, or only the help text if `--help` or `-h` is given.
 * @throws {Error} on an unknown or a missing flag or argument, on a value
 * outside its declaration, and on flags that contradict one another; the
 * message names the flag, what was found and what was expected.
 */
export function parseFlags<const V extends Verb>(
  verb: V,
  argv: readonly string[],
  file: SettingsFile | null = null,
): { help: string } | Args<V> {
  const { given: texts, rest } = split(verb, argv);
  if (texts.has("help")) return { help: usage(verb) };
  const given = givenValues(verb, texts, file);
  const values = Object.entries(verb.flags).map(([name, flag]) =>
    [name, valueOf(name, flag, given.get(name))] as const
  );
  return {
    values: Object.fromEntries(
      values.filter(([, value]) => value !== undefined),
    ) as Args<V>["values"],
    given: new Set(
      Object.keys(verb.flags).filter((name) => given.has(name)),
    ),
    positionals: assign(verb, rest) as Args<V>["positionals"],
    debug: texts.has("debug"),
  };
}

/**
 * Refuses flags that contradict others.
 *
 * @param context continues the message `Cannot use --flag`.
 * @throws {Error} naming the first of the flags that was given.
 */
export function refuseGiven(
  given: ReadonlySet<string>,
  flags: readonly string[],
  context: string,
): void {
  const name = flags.find((name) => given.has(name));
  if (name !== undefined) {
    throw new UsageError(`Cannot use --${kebab(name)} ${context}`);
  }
}

/**
 * Returns the argument that is a file of settings, before the other flags of
 * the verb are known, which may depend on it.
 *
 * @param verb with all flags that it may have.
 */
export function peekSettings(
  verb: Verb,
  argv: readonly string[],
): string | undefined {
  const { tokens } = tokensOf(verb, argv);
  return tokens.flatMap((token, i) => {
    const before = tokens[i - 1];
    // The word after --help is a loss.
    const isAsked = before?.kind === "option" && before.name === "help";
    return token.kind === "positional" && !isAsked ? [token.value] : [];
  }).find((text) => SETTINGS.endings.some((ending) => text.endsWith(ending)));
}

/**
 * Returns the last value of a flag, or the word after `--help`, before the
 * other flags of the verb are known, which may depend on it.
 */
export function peekFlag(
  name: string,
  argv: readonly string[],
): string | undefined {
  const { tokens } = parseArgs({
    args: [...argv],
    options: {
      [name]: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
    strict: false,
    tokens: true,
  });
  const asked = (given: { kind: string; name?: string }, wanted: string) =>
    given.kind === "option" && given.name === wanted;
  const named = tokens.map((token, i) => {
    const next = tokens[i + 1];
    if (asked(token, "help") && next?.kind === "positional") return next.value;
    return asked(token, name) && "value" in token ? token.value : undefined;
  });
  return named.findLast((value) => value !== undefined);
}

function tokensOf(verb: Verb, argv: readonly string[]) {
  const flags = new Map(
    Object.entries({ ...verb.flags, ...COMMON })
      .map(([name, flag]) => [kebab(name), flag]),
  );
  const { tokens, positionals: rest } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(Array.from(flags, ([name, { kind }]) => [name, {
      type: kind === "toggle" ? "boolean" : "string",
      ...name === "help" && { short: "h" },
    }])),
    strict: false, // the messages are ours
    tokens: true,
  });
  return { flags, tokens, rest };
}

/** Separates flags, by their names on the command line, from other arguments. */
function split(verb: Verb, argv: readonly string[]) {
  const { flags, tokens, rest } = tokensOf(verb, argv);
  const found = tokens.filter((token) => token.kind === "option");
  const given = new Map(found.map(({ name, value = "" }) => [name, value]));
  if (!given.has("help")) {
    for (const token of found) check(token, flags, verb);
    refuseRepeated(found);
  }
  return { given, rest };
}

/** Refuses a flag that is given twice: only one of its values would count. */
function refuseRepeated(tokens: readonly Token[]): void {
  const repeated = tokens.find(({ name }, i) =>
    tokens.findIndex((token) => token.name === name) < i
  );
  if (!repeated) return;
  const values = tokens.filter(({ name }) => name === repeated.name)
    .flatMap(({ value }) => value === undefined ? [] : `"${value}"`);
  throw new Error(
    `Cannot use --${repeated.name} twice${
      values.length > 0 ? `: found ${values.join(" and ")}` : ""
    }; expected it once`,
  );
}

interface Token {
  name: string;
  rawName: string;
  value?: string | undefined;
  inlineValue?: boolean | undefined;
}

/** Refuses a flag that the verb lacks, and a value that looks like another flag. */
function check(
  token: Token,
  flags: ReadonlyMap<string, Flag>,
  { elsewhere }: Verb,
): void {
  const { name, rawName, value = "", inlineValue } = token;
  const flag = flags.get(name);
  if (!flag) {
    throw new Error(unknownFlag(rawName, [...flags.keys()], elsewhere));
  }
  if (flag.kind === "toggle" && inlineValue) {
    throw unreadable(name, flag, value);
  }
  if (!inlineValue && /^--?[a-z]/i.test(value)) {
    const { message } = unreadable(name, flag, value);
    throw new Error(`${message} (if it is one, write --${name}=${value})`);
  }
}

/** Names the arguments, in order. */
function assign(verb: Verb, rest: readonly string[]) {
  const left = [...rest];
  const named = new Map<string, string | string[]>();
  for (const { name, many, optional, endings } of verb.positionals ?? []) {
    const taken = left.splice(0, many ? left.length : 1);
    const [first] = taken;
    if (many) named.set(name, taken);
    else if (first !== undefined) named.set(name, first);
    if (first === undefined && !optional) {
      throw new Error(
        `Missing argument ${name.toUpperCase()}; usage: ${usageLine(verb)}`,
      );
    }
    if (endings && first !== undefined && !endings.includes(extname(first))) {
      throw new Error(
        `Unexpected argument "${first}": expected a file of ${
          endings.join(" or ")
        }; usage: ${usageLine(verb)}`,
      );
    }
  }
  if (left.length === 0) return Object.fromEntries(named);
  throw new Error(
    `Unexpected argument "${left[0]}"; usage: ${usageLine(verb)}`,
  );
}

function unknownFlag(
  actual: string,
  known: readonly string[],
  elsewhere: Verb["elsewhere"] = {},
): string {
  const { advice, near } = meant(actual.replace(/^-+/, ""), known, elsewhere);
  const hint = near === undefined ? "" : `did you mean --${near}? `;
  return `Unknown flag ${actual}: ${advice ?? `${hint}--help lists the flags`}`;
}
