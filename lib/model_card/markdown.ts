/**
 * Pieces of GitHub-flavoured Markdown, in which the Hub shows model cards. Texts
 * of records may hold anything, so they go into code, where no mark has a
 * meaning.
 */

/** A text as code on one line. */
export function code(text: string): string {
  const line = oneLine(text);
  if (line === "") return "–";
  const fence = "`".repeat(longest(line) + 1);
  const margin = /^`|`$/.test(line) ? " " : "";
  return `${fence}${margin}${line}${margin}${fence}`;
}

/** A text as a block of code. */
export function codeBlock(language: string, text: string): string {
  const fence = "`".repeat(Math.max(3, longest(text) + 1));
  return `${fence}${language}\n${text}\n${fence}`;
}

/** Length of the longest run of backticks. */
function longest(text: string): number {
  const runs = text.match(/`+/g) ?? [];
  return Math.max(0, ...runs.map(({ length }) => length));
}

/** A text on one line, with its punctuation escaped. */
export function words(text: string): string {
  return oneLine(text).replace(/[\\`*_[\]<>&#@|~]/g, "\\$&");
}

function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, " ").trim();
}

/** A table whose cells are Markdown. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replace(/(?<!\\)\|/g, "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)]
    .join("\n");
}

/** A table of two columns without a head; facts that are null are left out. */
export function factTable(
  facts: Readonly<Record<string, string | null>>,
): string {
  const rows = Object.entries(facts)
    .flatMap(([name, fact]) => fact === null ? [] : [[name, fact]]);
  return table(["", ""], rows);
}

/** A heading with its parts; nothing if all parts are empty. */
export function section(title: string, ...parts: readonly string[]): string {
  const filled = parts.filter((part) => part !== "");
  return filled.length === 0 ? "" : [`## ${title}`, ...filled].join("\n\n");
}

/** A measured number with four digits. */
export function figure(value: number): string {
  return String(Number(value.toPrecision(4))).replace("-", "−");
}

/** A whole number. */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** The metadata of a card; null and empty fields are left out. */
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

/** Words that YAML does not read as text. */
const RESERVED = /^(true|false|yes|no|on|off|null|y|n)$/i;

/** A text: bare where YAML reads it so, else as JSON, which YAML includes. */
function scalar(text: string): string {
  const isBare = /^[a-z][\w./-]*$/i.test(text) && !RESERVED.test(text);
  return isBare ? text : JSON.stringify(text);
}
