/** Properties that all kinds of flags share. */
export interface Described {
  /** A line break in it begins a new line of the help text. */
  readonly help: string;
  /** Heading of the help text under which the flag stands. */
  readonly group?: string;
  /** Name of the value in a record. @default the name of the flag */
  readonly recordedAs?: string;
  /** Flags that contradict it. @default none */
  readonly excludes?: Exclusion;
  /** The end of the error of several values, which says where to give them. */
  readonly several?: string;
}

/** Flags that contradict another. */
export interface Exclusion {
  /** Their names. */
  readonly flags: readonly string[];
  /** Goes on after the other's name in errors: `which trains no adapter`. */
  readonly because?: string;
}

/** Declaration of a flag with a value. */
export interface Valued<T> extends Described {
  /** A flag without a default may be absent, unless it is required. */
  readonly default?: T;
  /** Whether it must be given. @default false */
  readonly required?: boolean;
}

/** Any text except the empty one. */
export interface TextFlag extends Valued<string> {
  readonly kind: "text";
  /** Stands for the value in the help text, such as `DIR`. */
  readonly placeholder?: string;
}

/** A finite number; `min` and `max` belong to its range, `above` and `below` do not. */
export interface NumberFlag extends Valued<number> {
  /** Whether it is a whole number. */
  readonly kind: "number" | "integer";
  /** It is greater than this. */
  readonly above?: number;
  /** It is at least this. */
  readonly min?: number;
  /** It is less than this. */
  readonly below?: number;
  /** It is at most this. */
  readonly max?: number;
  /** A number within the bounds that is not allowed. */
  readonly except?: number;
}

/** One of a few words. */
export interface ChoiceFlag extends Valued<string> {
  /** One of {@linkcode ChoiceFlag.choices}. */
  readonly kind: "choice";
  /** The words. */
  readonly choices: readonly string[];
}

/** A flag without a value: true if given, false otherwise. */
export interface ToggleFlag extends Described {
  /** True or false. */
  readonly kind: "toggle";
}

/** A value with a notation of its own on the command line. */
export interface ParsedFlag<T = unknown> extends Valued<T> {
  readonly kind: "parsed";
  readonly placeholder: string;
  /** The notation in words, for errors. */
  readonly expected: string;
  /** Returns `undefined` for a text that is not in the notation. */
  readonly parse: (text: string) => T | undefined;
  /** Whether the flag may have this value of JSON. */
  readonly is: (value: unknown) => value is T;
}

/**
 * Declaration of a value: a flag of a verb, a setting in a record, an option of
 * a loss. Help, parsing, checks and types follow from it.
 */
export type Flag =
  | TextFlag
  | NumberFlag
  | ChoiceFlag
  | ToggleFlag
  | ParsedFlag;

/** Flags by camelCase name: `maxLength` is `--max-length`. */
export type Flags = Readonly<Record<string, Flag>>;

type Options<F extends Flag> = Omit<F, "kind" | "choices">;

/** Refuses misspelt options, which a type parameter alone lets through. */
type Exact<O, Known> =
  & O
  & Readonly<Record<Exclude<keyof O, keyof Known>, never>>;

/** A constructor for one kind of flag, which keeps the types of its options. */
function flag<F extends Flag>(kind: F["kind"]) {
  return <const O extends Options<F>>(
    options: Exact<O, Options<F>>,
  ): O & { readonly kind: F["kind"] } => ({ ...options, kind });
}

export const text = flag<TextFlag>("text");
export const integer = flag<NumberFlag>("integer");
export const number = flag<NumberFlag>("number");
export const toggle = flag<ToggleFlag>("toggle");
export const parsed = flag<ParsedFlag>("parsed");

export function choice<
  const C extends string,
  const O extends Options<ChoiceFlag> & { readonly default?: C },
>(
  choices: readonly C[],
  options: Exact<O, Options<ChoiceFlag>>,
): O & { readonly kind: "choice"; readonly choices: readonly C[] } {
  return { ...options, kind: "choice", choices };
}

/** Puts flags under a heading of the help text. */
export function grouped<const F extends Flags>(
  group: string,
  flags: F,
): { readonly [K in keyof F]: F[K] & { readonly group: string } } {
  const all = Object.entries(flags).map(([name, flag]) =>
    [name, { ...flag, group }] as const
  );
  return Object.fromEntries(all) as ReturnType<typeof grouped<F>>;
}

/** Type of a flag's value. */
export type ValueOf<F> = F extends { kind: "toggle" } ? boolean
  : F extends { kind: "text" } ? string
  : F extends { kind: "choice"; choices: readonly (infer C)[] } ? C
  : F extends { is: (value: unknown) => value is infer T } ? T
  : number;

/** Flags that always have a value. */
export type Certain = { kind: "toggle" } | { default: unknown } | {
  required: true;
};

type Flat<T> = { [K in keyof T]: T[K] };

/** Values by name. A flag that may be absent is an optional property. */
export type FlagValues<F extends Flags> = Flat<
  & { [K in keyof F as F[K] extends Certain ? K : never]: ValueOf<F[K]> }
  & { [K in keyof F as F[K] extends Certain ? never : K]?: ValueOf<F[K]> }
>;

/** Whether a flag may have this value of JSON. */
export function isAllowed(flag: Flag, value: unknown): boolean {
  if (flag.kind === "toggle") return typeof value === "boolean";
  if (flag.kind === "text") return typeof value === "string" && value !== "";
  if (flag.kind === "choice") return flag.choices.some((c) => c === value);
  if (flag.kind === "parsed") return flag.is(value);
  const { above = -Infinity, min = -Infinity, except } = flag;
  const { below = Infinity, max = Infinity } = flag;
  return typeof value === "number" && Number.isFinite(value) &&
    (flag.kind === "number" || Number.isSafeInteger(value)) &&
    value > above && value >= min && value < below && value <= max &&
    value !== except;
}

/** Describes the values that a flag may have: `a number above 0`. */
export function expectation(flag: Flag): string {
  if (flag.kind === "toggle") return "true or false";
  if (flag.kind === "text") return placeholder(flag);
  if (flag.kind === "parsed") return flag.expected;
  if (flag.kind === "choice") {
    return flag.choices.join(", ").replace(/, ([^,]*)$/, " or $1");
  }
  const kind = flag.kind === "integer" ? "an integer" : "a number";
  const bounds = boundsOf(flag).join(" and ").replace(/^at/, "of at");
  return `${kind} ${bounds}`.trimEnd();
}

/** Describes the bounds of a number: `above 0`. */
export function boundsOf(flag: Flag): string[] {
  if (flag.kind !== "number" && flag.kind !== "integer") return [];
  const { above, min, below, max, except } = flag;
  const isClosed = min !== undefined && max !== undefined;
  return Object.entries({
    above,
    [isClosed ? "from" : "at least"]: isClosed ? `${min} to ${max}` : min,
    below,
    "at most": isClosed ? undefined : max,
    "other than": except,
  })
    .filter(([, bound]) => bound !== undefined)
    .map(([words, bound]) => `${words} ${bound}`);
}

/** Writes a flag with its value: `--out DIR`. */
export function labelOf(name: string, flag: Flag): string {
  if (flag.kind === "toggle") {
    return name === "help" ? "-h, --help" : `--${kebab(name)}`;
  }
  return `--${kebab(name)} ${placeholder(flag)}`;
}

function placeholder(flag: Exclude<Flag, ToggleFlag>): string {
  if (flag.kind === "text") return flag.placeholder ?? "TEXT";
  if (flag.kind === "parsed") return flag.placeholder;
  if (flag.kind === "choice") return flag.choices.join("|");
  return flag.kind.toUpperCase();
}

/** `maxLength` → `max-length` */
export function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `max-length` → `maxLength` */
export function camel(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
