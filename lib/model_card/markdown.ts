/**
 * Pieces of GitHub-flavoured Markdown, as the Hub shows model cards. Texts of
 * records may hold anything: they go into code, where nothing has a meaning.
 */

/** A text of one line as it is. */
export function code(text: string): string {
  const line = oneLine(text);
  if (line === "") return "–";
  const fence = "`".repeat(longest(line) + 1);
  const margin = /^`|`$/.test(line) ? " " : "";
  return `${fence}${margin}${line}${margin}${fence}`;
}

/** A text of several lines as it is. */
export function codeBlock(language: string, text: string): string {
  const fence = "`".repeat(Math.max(3, longest(text) + 1));
  return `${fence}${language}\n${text}\n${fence}`;
}

/** Length of the longest run of backticks. */
function longest(text: string): number {
  const runs = text.match(/`+/g) ?? [];
  return Math.max(0, ...runs.map(({ length }) => length));
}

/** Words of one line, in which a punctuation mark is just that. */
export function words(text: string): string {
  return oneLine(text).replace(/[\\`*_[\]<>&#@|~]/g, "\\$&");
}

function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, " ").trim();
}

/** A table, the cells of which are Markdown. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replace(/(?<!\\)\|/g, "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)]
    .join("\n");
}

/** A heading with what belongs under it; nothing where nothing does. */
export function section(title: string, ...parts: readonly string[]): string {
  const found = parts.filter((part) => part !== "");
  return found.length === 0 ? "" : [`## ${title}`, ...found].join("\n\n");
}

/** A measured number, to four digits. */
export function figure(value: number): string {
  return String(Number(value.toPrecision(4))).replace("-", "−");
}

/** A whole number. */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** What the Hub reads of a card; what is not known is left out. */
export type FrontMatter = Readonly<
  Record<string, string | readonly string[] | null>
>;

/** The YAML block that a model card begins with. */
export function frontMatter(fields: FrontMatter): string {
  const lines = Object.entries(fields).flatMap(([name, value]) => {
    if (value === null || value.length === 0) return [];
    if (typeof value === "string") return `${name}: ${scalar(value)}`;
    return [`${name}:`, ...value.map((item) => `- ${scalar(item)}`)];
  });
  return ["---", ...lines, "---"].join("\n");
}

/** Words that YAML takes for something else than a text. */
const RESERVED = /^(true|false|yes|no|on|off|null|y|n)$/i;

/** A text: bare where that is clear, else as in JSON, which YAML reads too. */
function scalar(text: string): string {
  const isBare = /^[a-z][\w./-]*$/i.test(text) && !RESERVED.test(text);
  return isBare ? text : JSON.stringify(text);
}
