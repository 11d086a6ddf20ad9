import { toolFloats } from "../floats.ts";

/** Deepest nesting that is read. */
const MOST_DEPTH = 100;

/** A number, `None`, `True`, `False`, or pandas' `nan`. */
const WORD = /-?(?:\d[\d_]*(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+|[A-Za-z_]\w*)/iy;

const NAMES: ReadonlyMap<string, unknown> = new Map([
  ["None", null],
  ["True", true],
  ["False", false],
  ["nan", null],
]);

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ["b", "\b"],
  ["f", "\f"],
  ["v", "\v"],
  ["a", "\x07"],
  ["0", "\0"],
  ["\n", ""],
]);

/** Digits of an escape, by its letter. */
const CODES: ReadonlyMap<string, number> = new Map([
  ["x", 2],
  ["u", 4],
  ["U", 8],
]);

class NotPython extends Error {}

/**
 * The value of a Python literal: text, numbers, lists, tuples and dicts, as
 * `str()` writes them into a table; also numpy's lists, which have no commas
 * between their items, with or without `array(…)`.
 *
 * @returns `undefined` for anything else.
 */
export function pythonLiteral(text: string): unknown {
  const reader = new LiteralReader(text);
  try {
    const value = reader.value(0);
    return reader.ended() ? toolFloats(value) : undefined;
  } catch (error) {
    if (error instanceof NotPython) return undefined;
    throw error;
  }
}

class LiteralReader {
  #at = 0;

  constructor(private readonly source: string) {}

  ended(): boolean {
    this.#skipBlank();
    return this.#at === this.source.length;
  }

  value(depth: number): unknown {
    if (depth > MOST_DEPTH) throw new NotPython();
    this.#skipBlank();
    const first = this.source[this.#at];
    if (first === "[") return this.#items("]", depth);
    if (first === "(") return this.#items(")", depth);
    if (first === "{") return this.#dict(depth);
    if (first === "'" || first === '"') return this.#text(first);
    return this.#word(depth);
  }

  #skipBlank(): void {
    while (/\s/.test(this.source[this.#at] ?? "")) this.#at++;
  }

  /** Passes a character over; whether it was there. */
  #take(character: string): boolean {
    this.#skipBlank();
    if (this.source[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #expect(character: string): void {
    if (!this.#take(character)) throw new NotPython();
  }

  #items(close: string, depth: number): unknown[] {
    this.#at++;
    const items: unknown[] = [];
    while (!this.#take(close)) {
      items.push(this.value(depth + 1));
      this.#take(",");
    }
    return items;
  }

  #dict(depth: number): Record<string, unknown> {
    this.#at++;
    const entries: [string, unknown][] = [];
    while (!this.#take("}")) {
      const key = this.value(depth + 1);
      this.#expect(":");
      entries.push([String(key), this.value(depth + 1)]);
      if (this.#take(",")) continue;
      this.#expect("}");
      break;
    }
    return Object.fromEntries(entries);
  }

  #text(quote: string): string {
    let text = "";
    this.#at++;
    for (;;) {
      const character = this.source[this.#at++];
      if (character === undefined) throw new NotPython();
      if (character === quote) return text;
      text += character === "\\" ? this.#escape() : character;
    }
  }

  #escape(): string {
    const letter = this.source[this.#at++] ?? "";
    const size = CODES.get(letter);
    if (size === undefined) return ESCAPES.get(letter) ?? otherEscape(letter);
    const digits = this.source.slice(this.#at, this.#at + size);
    const code = Number.parseInt(digits, 16);
    if (!/^[\da-f]+$/i.test(digits) || code > 0x10ffff) throw new NotPython();
    this.#at += size;
    return String.fromCodePoint(code);
  }

  #word(depth: number): unknown {
    WORD.lastIndex = this.#at;
    const [word] = WORD.exec(this.source) ?? [];
    if (word === undefined) throw new NotPython();
    this.#at += word.length;
    if (word === "array") return this.#array(depth);
    if (NAMES.has(word)) return NAMES.get(word);
    const number = Number(word.replaceAll("_", ""));
    if (Number.isNaN(number)) throw new NotPython();
    // A float stays one in the arguments of tools, see `parseWithFloats()`.
    return /[.e]/i.test(word) ? Object(number) : number;
  }

  /** `array([…], dtype=object)` */
  #array(depth: number): unknown {
    this.#expect("(");
    const items = this.value(depth);
    const [rest] = /^\s*(?:,\s*dtype=[\w.<>']+\s*)?\)/
      .exec(this.source.slice(this.#at)) ?? [];
    if (rest === undefined) throw new NotPython();
    this.#at += rest.length;
    return items;
  }
}

/** An escape that Python does not know keeps its backslash. */
function otherEscape(letter: string): string {
  return `'"\\`.includes(letter) ? letter : `\\${letter}`;
}
