/** A quotation that is not what the results say. */
export interface Misquotation {
  /** Line of the text, from 1. */
  readonly line: number;
  /** The file of results, and the place in it. */
  readonly source: string;
  readonly found: string;
  readonly expected: string;
}

/** A text in which every quotation is what the results say. */
export interface Quoted {
  readonly text: string;
  /** The quotations that were not. */
  readonly misquotations: readonly Misquotation[];
}

/**
 * A block: `<!-- FILE -->` or `<!-- FILE: CAPTION -->`, to `<!-- end -->`. It may
 * be empty, and does not reach into the next one then.
 */
const BLOCK =
  /<!-- (results\/[a-z\d_/-]+\.md)(?:: ([^\n]+?))? -->\n\n([^]*?)(?:\n\n)?<!-- end -->/g;

/** A number, then `<!--FILE#POINTER-->`. */
const NUMBER =
  /([-−]?\d[\d,]*(?:\.\d+)?)( ?%)?<!--(results\/[a-z\d_/-]+\.json#\/\S*?)-->/g;

/**
 * Puts what files of results say in place of the quotations of a text, such as
 * a README's: blocks that are a Markdown file or one of its tables, and numbers
 * that are a place of a JSON file, rounded to the digits that stand there.
 *
 * ```md
 * <!-- results/frontier/table.md: At the end of training -->
 * …
 * <!-- end -->
 *
 * Its optimum is 2.40<!--results/frontier/summary.json#/exact/dpo/reward-->.
 * ```
 *
 * @param read gives the text of a file by its path in the checkout; null where
 * quotations of it are to stay as they are.
 * @throws Error for a caption or a place that the file lacks.
 */
export function quoted(
  text: string,
  read: (file: string) => string | null,
): Quoted {
  const misquotations: Misquotation[] = [];
  const check = (before: string, quotation: Omit<Misquotation, "line">) => {
    if (quotation.found === quotation.expected) return;
    misquotations.push({ line: before.split("\n").length, ...quotation });
  };
  const block: Replacer = (all, file, caption, found, at, whole) => {
    const content = read(file);
    if (content === null) return all;
    const expected = tableIn(content, { file, caption });
    const source = caption === undefined ? file : `${file}: ${caption}`;
    check(whole.slice(0, at), { source, found, expected });
    return `<!-- ${source} -->\n\n${expected}\n\n<!-- end -->`;
  };
  const number: Replacer = (all, found, percent, place, at, whole) => {
    const [file = "", pointer = ""] = place.split("#");
    const content = read(file);
    if (content === null) return all;
    const value = valueAt(JSON.parse(content), { file, pointer });
    const expected = rounded(percent ? 100 * value : value, found);
    check(whole.slice(0, at), { source: place, found, expected });
    return `${expected}${all.slice(found.length)}`;
  };
  return {
    text: text.replace(BLOCK, block).replace(NUMBER, number),
    misquotations,
  };
}

/** Called with a match, its three groups, its offset, and the whole text. */
type Replacer = (
  match: string,
  a: string,
  b: string | undefined,
  c: string,
  offset: number,
  whole: string,
) => string;

/** The whole of a Markdown file, or its table with a caption. */
function tableIn(
  text: string,
  { file, caption }: { file: string; caption: string | undefined },
): string {
  if (caption === undefined) return text.trim();
  const parts = text.split(/^\*\*(.*)\*\*$/m).map((part) => part.trim());
  const at = parts.findIndex((part, i) => i % 2 === 1 && part === caption);
  if (at >= 0) return parts[at + 1]!;
  throw new Error(`Cannot quote ${file}: it has no table "${caption}"`);
}

/** The number at a JSON pointer (RFC 6901). */
function valueAt(
  json: unknown,
  { file, pointer }: { file: string; pointer: string },
): number {
  let value = json;
  for (const part of pointer.slice(1).split("/")) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    value = typeof value === "object" && value !== null
      ? Object.getOwnPropertyDescriptor(value, key)?.value
      : undefined;
  }
  if (typeof value === "number") return value;
  throw new Error(`Cannot quote ${file}: it has no number at ${pointer}`);
}

/** A number with the decimals, the commas and the minus of another. */
function rounded(value: number, like: string): string {
  const digits = like.split(".")[1]?.length ?? 0;
  const text = value.toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
    useGrouping: like.includes(",") || Math.abs(value) >= 10_000,
  });
  return like.startsWith("-") ? text : text.replace("-", "−");
}
