import { asInteger, asText, bind } from "./arguments.ts";
import { formatBraces } from "./format.ts";
import { joined } from "./text.ts";
import { type Arguments, iterate, Sequence, type Value } from "./values.ts";

type Method = (text: string, args: Arguments) => Value;

/** Methods of Python's `str`. */
export const TEXT_METHODS: Readonly<Record<string, Method>> = {
  capitalize: plain(capitalize),
  casefold: plain((text) => text.toLowerCase().replaceAll("ß", "ss")),
  count: (text, args) => text.split(separator(args)).length - 1,
  endswith: (text, args) => hasEnd(args, (end) => text.endsWith(end)),
  find: (text, args) => indexOf(text, text.indexOf(only(args))),
  format: formatBraces,
  index: (text, args) => found(indexOf(text, text.indexOf(only(args)))),
  isalnum: plain((text) => /^[\p{L}\p{N}]+$/u.test(text)),
  isalpha: plain((text) => /^\p{L}+$/u.test(text)),
  isdigit: plain((text) => /^[\p{Nd}²³¹⁰-⁹₀-₉]+$/u.test(text)),
  islower: plain((text) => isCased(text, text.toLowerCase())),
  isspace: plain((text) => text !== "" && [...text].every(isSpace)),
  isupper: plain((text) => isCased(text, text.toUpperCase())),
  join: (text, args) => {
    const [items] = bind(args, ["iterable"]);
    return joined(iterate(items ?? null).map(asText), text);
  },
  lower: plain((text) => text.toLowerCase()),
  lstrip: stripping("start"),
  partition: (text, args) => {
    const by = separator(args);
    const at = text.indexOf(by);
    if (at === -1) return tuple(text, "", "");
    return tuple(text.slice(0, at), by, text.slice(at + by.length));
  },
  removeprefix: (text, args) => {
    const start = only(args);
    return text.startsWith(start) ? text.slice(start.length) : text;
  },
  removesuffix: (text, args) => {
    const end = only(args);
    return end !== "" && text.endsWith(end) ? text.slice(0, -end.length) : text;
  },
  replace: (text, args) => {
    const [old, by, count = -1] = bind(args, ["old", "new", "count"]);
    return replace(text, asText(old), asText(by), asInteger(count));
  },
  rfind: (text, args) => indexOf(text, text.lastIndexOf(only(args))),
  rindex: (text, args) => found(indexOf(text, text.lastIndexOf(only(args)))),
  rpartition: (text, args) => {
    const by = separator(args);
    const at = text.lastIndexOf(by);
    if (at === -1) return tuple("", "", text);
    return tuple(text.slice(0, at), by, text.slice(at + by.length));
  },
  rsplit: (text, args) => {
    const mirrored = ([...text].reverse()).join("");
    const [by, most] = splitting(args);
    const parts = split(mirrored, by && [...by].reverse().join(""), most);
    return new Sequence(
      parts.reverse().map((part) => [...part].reverse().join("")),
    );
  },
  rstrip: stripping("end"),
  split: (text, args) => new Sequence(split(text, ...splitting(args))),
  splitlines: plain((text) => new Sequence(splitLines(text))),
  startswith: (text, args) => hasEnd(args, (start) => text.startsWith(start)),
  strip: stripping("both"),
  swapcase: plain((text) =>
    text.replace(
      /\p{L}/gu,
      (letter) =>
        letter === letter.toLowerCase()
          ? letter.toUpperCase()
          : letter.toLowerCase(),
    )
  ),
  title: plain((text) => text.replace(/\p{L}+/gu, (word) => capitalize(word))),
  upper: plain((text) => text.toUpperCase()),
};

/** Methods that Python's `str` has, and templates cannot use here. */
export const OTHER_TEXT_METHODS: readonly string[] = [
  ..."center encode expandtabs format_map isascii isdecimal isidentifier".split(
    " ",
  ),
  ..."isnumeric isprintable istitle ljust maketrans rjust translate zfill"
    .split(
      " ",
    ),
];

function plain(write: (text: string) => Value): Method {
  return (text, args) => {
    bind(args, []);
    return write(text);
  };
}

/** The text with its first letter large and the others small. */
export function capitalize(text: string): string {
  const [first = "", ...rest] = text;
  return first.toUpperCase() + rest.join("").toLowerCase();
}

function isCased(text: string, same: string): boolean {
  return text === same && /\p{Lu}|\p{Ll}|\p{Lt}/u.test(text);
}

function tuple(...items: string[]): Sequence {
  return new Sequence(items, "tuple");
}

/** The only argument, which is text. */
function only(args: Arguments): string {
  const [text] = bind(args, ["text"]);
  return asText(text);
}

function separator(args: Arguments): string {
  const text = only(args);
  if (text !== "") return text;
  throw new RangeError("empty separator");
}

/** An index in UTF-16, as one of code points. */
function indexOf(text: string, at: number): number {
  return at === -1 ? -1 : [...text.slice(0, at)].length;
}

function found(at: number): number {
  if (at !== -1) return at;
  throw new RangeError("substring not found");
}

function hasEnd(args: Arguments, test: (end: string) => boolean): boolean {
  const [end] = bind(args, ["text"]);
  const isTuple = end instanceof Sequence && end.kind === "tuple";
  return isTuple ? end.items.map(asText).some(test) : test(asText(end));
}

function splitting(args: Arguments): [string | null, number] {
  const [by = null, most = -1] = bind(args, ["sep", "maxsplit"]);
  return [by === null ? null : asText(by), asInteger(most)];
}

/** https://docs.python.org/3/library/stdtypes.html#str.split */
function split(text: string, by: string | null, most: number): string[] {
  if (by === "") throw new RangeError("empty separator");
  if (by !== null) {
    const parts = text.split(by);
    if (most < 0 || parts.length <= most) return parts;
    return [...parts.slice(0, most), parts.slice(most).join(by)];
  }
  const words: string[] = [];
  for (const { 0: word, index } of text.matchAll(WORDS)) {
    if (words.length === most) return [...words, text.slice(index)];
    words.push(word);
  }
  return words;
}

/** https://docs.python.org/3/library/stdtypes.html#str.splitlines */
export function splitLines(text: string): string[] {
  const lines = text.split(LINE_END);
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}

/** https://docs.python.org/3/library/stdtypes.html#str.replace */
export function replace(
  text: string,
  old: string,
  by: string,
  count: number,
): string {
  const all = old === "" ? ["", ...text, ""] : text.split(old);
  const first = count < 0 ? all.length : count + 1;
  const changed = all.slice(0, first);
  const rest = all.slice(first);
  if (rest.length > 0) {
    changed.push(changed.pop()! + old + rest.join(old));
  }
  return joined(changed, by);
}

type Ends = "both" | "start" | "end";

function stripping(ends: Ends): Method {
  return (text, args) => {
    const [characters = null] = bind(args, ["chars"]);
    return strip(text, ends, characters === null ? null : asText(characters));
  };
}

/** https://docs.python.org/3/library/stdtypes.html#str.strip */
export function strip(
  text: string,
  ends: Ends,
  characters: string | null = null,
): string {
  const given = new Set(characters ?? "");
  const isStripped = characters === null
    ? isSpace
    : (c: string) => given.has(c);
  const all = [...text];
  let [start, end] = [0, all.length];
  if (ends !== "end") {
    while (start < end && isStripped(all[start]!)) start++;
  }
  if (ends !== "start") {
    while (end > start && isStripped(all[end - 1]!)) end--;
  }
  return all.slice(start, end).join("");
}

const SPACES = "\\p{White_Space}\u001c-\u001f";
const SPACE = new RegExp(`[${SPACES}]`, "u");
const WORDS = new RegExp(`[^${SPACES}]+`, "gu");
const LINE_END = new RegExp("\r\n|[\n\v\f\r\u001c-\u001e\u0085\u2028\u2029]");

/** https://docs.python.org/3/library/stdtypes.html#str.isspace */
function isSpace(character: string): boolean {
  return SPACE.test(character);
}
