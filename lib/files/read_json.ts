import { realFile } from "./real_file.ts";

/** Twice the largest tokenizer.json in use. */
const MAX_BYTES = 1 << 26;
/** Ten times the depth of configurations, indices and tokenizers. */
const MAX_DEPTH = 100;
/** Twice the number in the largest tokenizer.json; 300 MB at the worst. */
const MAX_VALUES = 1 << 22;

/**
 * Reads the text of a file that somebody else wrote.
 *
 * @throws Error if it is too large, not UTF-8, not a regular file, or a link
 * out of its folder; `Deno.errors.NotFound` if it is missing.
 */
export async function readText(path: string): Promise<string> {
  const file = await realFile(path);
  const { size } = await Deno.stat(file);
  if (size > MAX_BYTES) {
    throw new Error(
      `it has ${size} bytes, expected no more than ${MAX_BYTES}`,
    );
  }
  return decodeText(await Deno.readFile(file));
}

/**
 * Decodes UTF-8.
 *
 * @throws Error if the bytes are not UTF-8.
 */
export function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new Error("it is not text in UTF-8", { cause });
  }
}

/**
 * Parses JSON that somebody else wrote. Depth and number of values are bounded,
 * and with them the memory of the result; a key written twice is refused,
 * because readers differ in the one that they keep.
 *
 * @throws Error naming the fault.
 */
export function parseJson(text: string): unknown {
  checkStructure(text);
  return JSON.parse(text);
}

/** Checks brackets, strings and commas; the parser checks the grammar. */
function checkStructure(text: string): void {
  /** The keys of each open object; null for an open list. */
  const open: (Set<string> | null)[] = [];
  let values = 0;
  for (let at = 0; at < text.length; at++) {
    const mark = text[at];
    if (mark === '"') {
      const end = endOfString(text, at);
      if (isKey(text, end)) addKey(open.at(-1), text.slice(at, end + 1));
      at = end;
    } else if (mark === "{" || mark === "[") {
      values++;
      open.push(mark === "{" ? new Set() : null);
      if (open.length > MAX_DEPTH) {
        throw new Error(`it is nested deeper than ${MAX_DEPTH} levels`);
      }
    } else if (mark === "}" || mark === "]") {
      open.pop();
    } else if (mark === "," && ++values > MAX_VALUES) {
      throw new Error(`it holds more than ${MAX_VALUES} values`);
    }
  }
}

/** The closing quote of the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1;; at++) {
    at = text.indexOf('"', at);
    if (at < 0) return text.length;
    let slashes = 0;
    while (text[at - 1 - slashes] === "\\") slashes++;
    if (slashes % 2 === 0) return at;
  }
}

function isKey(text: string, end: number): boolean {
  let at = end + 1;
  while (/\s/.test(text[at] ?? "")) at++;
  return text[at] === ":";
}

function addKey(keys: Set<string> | null | undefined, quoted: string): void {
  const key = quoted.includes("\\") ? JSON.parse(quoted) : quoted.slice(1, -1);
  if (keys?.has(key)) {
    throw new Error(
      `it has the key ${quoted.slice(0, 100)} twice in one place`,
    );
  }
  keys?.add(key);
}
