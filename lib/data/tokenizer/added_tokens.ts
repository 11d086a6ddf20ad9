/** A token of tokenizer.json that is looked for before text is split. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Whether it is a control token, `<|im_end|>`, rather than a word, `<think>`. */
  readonly special?: boolean;
  /** Whether it includes the white space before it. */
  readonly lstrip?: boolean;
  /** Whether it includes the white space after it. */
  readonly rstrip?: boolean;
  /** Whether it is looked for in normalized text. @default unless it is special */
  readonly normalized?: boolean;
}

/** A run of text without added tokens, or one of those. */
export type Section = { readonly text: string } | { readonly id: number };

/**
 * Makes a function that cuts a text at added tokens, at each place the longest
 * one. White space is Unicode's, as in the original library.
 */
export function addedTokenSplitter(
  tokens: readonly AddedToken[],
): (text: string) => Section[] {
  const byContent = new Map(tokens.map((token) => [token.content, token]));
  const pattern = anyOf(tokens);
  if (!pattern) return (text) => text === "" ? [] : [{ text }];
  return (text) => {
    const sections: Section[] = [];
    let start = 0;
    const add = (text: string) => text === "" || sections.push({ text });
    for (const { 0: content, index } of text.matchAll(pattern)) {
      const { id, lstrip, rstrip } = byContent.get(content)!;
      const before = text.slice(start, Math.max(start, index));
      add(lstrip ? before.replace(/\p{White_Space}+$/u, "") : before);
      sections.push({ id });
      start = index + content.length;
      if (rstrip) {
        start += /^\p{White_Space}*/u.exec(text.slice(start))![0].length;
      }
    }
    add(text.slice(start));
    return sections;
  };
}

/** Mark in a special token that stays text; it is not a character of Unicode. */
const MARK = "\ufdd0";
const NUMBERED = /\ufdd0(\d+)\ufdd0/g;

const NO_TOKENS: readonly string[] = [];
const all = () => true;

/** Finds and marks added tokens that are written out in texts. */
export class TokenTexts {
  readonly #all: RegExp | null;
  readonly #special: RegExp | null;

  /** @internal */
  constructor(tokens: readonly AddedToken[]) {
    this.#all = anyOf(tokens);
    // A token of one character has no place for a mark.
    this.#special = anyOf(
      tokens.filter(({ special, content }) =>
        special === true && content.length > 1
      ),
    );
  }

  /** The special tokens that are written out in a text, each once. */
  specials(text: string): readonly string[] {
    if (!this.#special || text.search(this.#special) === -1) return NO_TOKENS;
    return [...new Set(text.match(this.#special))];
  }

  /**
   * The text with its special tokens marked, so that they stay text.
   *
   * @param isMarked whether to mark a token. @default all
   * @throws RangeError where the text has such a mark already.
   */
  mark(text: string, isMarked: (token: string) => boolean = all): string {
    assertUnmarked(text);
    if (!this.#special) return text;
    return text.replace(this.#special, (token) => {
      const [first, ...rest] = token;
      return isMarked(token) ? `${first}${MARK}${rest.join("")}` : token;
    });
  }

  /** The nearest index at or before `at` that is not inside a token or character. */
  outside(text: string, at: number): number {
    for (const { 0: { length }, index } of text.matchAll(this.#all ?? /$/g)) {
      if (index >= at) break;
      if (index + length > at) return index;
    }
    const isTorn = /^[\uDC00-\uDFFF]/.test(text.slice(at, at + 1));
    return isTorn ? at - 1 : at;
  }

  /** Whether a text has only special tokens and white space. */
  isBlank(text: string): boolean {
    const rest = this.#special ? text.replace(this.#special, "") : text;
    return rest.trim() === "";
  }
}

/** @throws RangeError where a text from outside has the mark. */
export function assertUnmarked(text: string): void {
  if (!isMarked(text)) return;
  throw new RangeError("expected text, found U+FDD0, which is not a character");
}

/**
 * A mark that holds a number. Templates take it for letters of a word, as they
 * do the mark of a token.
 */
export function numbered(number: number): string {
  return `${MARK}${number}${MARK}`;
}

/** The numbers of a text's numbered marks, and the text without them. */
export function readNumbers(
  text: string,
): { numbers: ReadonlySet<number>; rest: string } {
  const numbers = new Set<number>();
  const rest = text.replaceAll(NUMBERED, (_, digits) => {
    numbers.add(Number(digits));
    return "";
  });
  return { numbers, rest };
}

/** Whether special tokens in a text are marked to stay text. */
export function isMarked(text: string): boolean {
  return text.includes(MARK);
}

/** The text without marks. */
export function unmarked(text: string): string {
  return text.replaceAll(MARK, "");
}

function anyOf(tokens: readonly AddedToken[]): RegExp | null {
  const texts = tokens.map(({ content }) => content)
    .filter((text) => text !== "")
    .sort((a, b) => b.length - a.length)
    .map((text) => text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&"));
  return texts.length === 0 ? null : new RegExp(texts.join("|"), "gu");
}
