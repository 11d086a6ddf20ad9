import type { DataSource, RunRecord } from "../record.ts";
import { code, count, section, table } from "./markdown.ts";

/** Counts that every card has; others only where they are not 0. */
const COUNTS: Readonly<Record<string, string>> = {
  rows: "rows",
  truncated: "truncated",
  dropped: "dropped",
  boundaryShifted: "boundary shifted",
};

/** The rows that went in, and what became of them. */
export function dataSection({ data }: RunRecord): string {
  if (data.length === 0) return "";
  const others = new Set(
    data.flatMap(({ counts }) =>
      Object.keys(counts).filter((name) =>
        !(name in COUNTS) && counts[name]! > 0
      )
    ),
  );
  const columns = {
    ...COUNTS,
    ...Object.fromEntries(Array.from(others, (name) => [name, name])),
  };
  const head = ["", "source", ...Object.values(columns).map(plainOrCode)];
  return section(
    "Data",
    table(
      head,
      data.map(({ role, source, counts }) => [
        role,
        code(source),
        ...Object.keys(columns).map((name) => count(counts[name] ?? 0)),
      ]),
    ),
    "Boundary shifted are rows in which tokenizing prompt and completion apart or together differs. What was trained on has, as token ids, the SHA-256",
    data.map(hashLine).join("\n"),
    data.flatMap(conversionLines).join("\n"),
  );
}

function plainOrCode(title: string): string {
  return Object.values(COUNTS).includes(title) ? title : code(title);
}

function hashLine({ role, sha256, format }: DataSource): string {
  const layout = format === undefined ? "" : `, read as ${code(format)}`;
  return `- ${code(role)}: ${code(sha256)}${layout}`;
}

/** What was made of the rows before. */
function conversionLines({ role, conversions = [] }: DataSource): string[] {
  return conversions.map(({ name, setting, counts }) => {
    const numbers = Object.entries(counts)
      .map(([what, n]) => `${code(what)} ${count(n)}`);
    return `- ${code(role)} was converted: ${code(name)} ${
      code(String(setting))
    }${numbers.length > 0 ? ` (${numbers.join(", ")})` : ""}`;
  });
}
