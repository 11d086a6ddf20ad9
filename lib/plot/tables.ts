import { stringify } from "csv-stringify/sync";
import type { Table } from "./figure.ts";

/** A cell of a {@linkcode Table}. */
export type Cell = Table["rows"][number][number];

/** A table with a row for each item; `columns` has each heading and its cells. */
export function tableOf<Item>(
  items: readonly Item[],
  { caption, columns }: {
    caption: string;
    columns: Readonly<Record<string, (item: Item) => Cell>>;
  },
): Table {
  return {
    caption,
    columns: Object.keys(columns),
    rows: items.map((item) => Object.values(columns).map((cell) => cell(item))),
  };
}

/** Names of the files of tables, and how each is written. */
export const TABLE_FILES: Readonly<
  Record<string, (tables: readonly Table[]) => string>
> = {
  "table.md": markdownTables,
  "table.tex": latexTables,
  "table.csv": csvTables,
};

/** A cell as readers see it: numbers in four digits, a dash for none. */
export function cellText(cell: Cell): string {
  if (cell === null) return "–";
  if (typeof cell === "string") return cell;
  return `${Number.isInteger(cell) ? cell : Number(cell.toPrecision(4))}`;
}

/** Tables of GitHub's Markdown, aligned as `deno fmt` has them. */
export function markdownTables(tables: readonly Table[]): string {
  return tables.map((table) => `${markdownTable(table)}\n`).join("\n");
}

function markdownTable({ caption, columns, rows }: Table): string {
  const cells = [columns, ...rows.map((row) => row.map(cellText))]
    .map((row) =>
      row.map((cell) => oneLine(cell).replace(/[\\`*<|]/g, "\\$&"))
    );
  const widths = columns.map((_, i) =>
    Math.max(1, ...cells.map((row) => (row[i] ?? "").length))
  );
  const line = (row: readonly string[]) =>
    `| ${widths.map((n, i) => (row[i] ?? "").padEnd(n)).join(" | ")} |`;
  const [head, ...body] = cells.map(line);
  const rule = line(widths.map((n) => "-".repeat(n)));
  return [`**${oneLine(caption)}**`, "", head, rule, ...body].join("\n");
}

/** CSV with exact numbers; a line that begins with # is a caption. */
export function csvTables(tables: readonly Table[]): string {
  return tables.map(({ caption, columns, rows }) =>
    `# ${oneLine(caption)}\n${stringify([columns, ...rows])}`
  ).join("\n");
}

/**
 * Tables of LaTeX with the rules of booktabs
 * (https://ctan.org/pkg/booktabs), one `table` each.
 */
export function latexTables(tables: readonly Table[]): string {
  return ["% \\usepackage{booktabs}", ...tables.map(latexTable)].join("\n");
}

function latexTable({ caption, columns, rows }: Table): string {
  const line = (row: readonly Cell[]) =>
    `    ${row.map((cell) => latexText(cellText(cell))).join(" & ")} \\\\`;
  return `\\begin{table}
  \\centering
  \\caption{${latexText(caption)}}
  \\begin{tabular}{l${"r".repeat(columns.length - 1)}}
    \\toprule
${line(columns)}
    \\midrule
${rows.map(line).join("\n")}
    \\bottomrule
  \\end{tabular}
\\end{table}
`;
}

/** Greek letters from α on, as TeX calls them. */
const GREEK = "alpha beta gamma delta varepsilon zeta eta theta iota kappa " +
  "lambda mu nu xi o pi rho varsigma sigma tau upsilon varphi chi psi omega";

/** Characters that TeX reads as marks, or that its fonts lack. */
const LATEX: ReadonlyMap<string, string> = new Map([
  ...GREEK.split(" ").map((name, i): [string, string] => [
    String.fromCodePoint("α".codePointAt(0)! + i),
    name === "o" ? "$o$" : `$\\${name}$`,
  ]),
  ...Array.from("&%$#_{}", (mark): [string, string] => [mark, `\\${mark}`]),
  ["\\", "\\textbackslash{}"],
  ["~", "\\textasciitilde{}"],
  ["^", "\\textasciicircum{}"],
  ["Δ", "$\\Delta$"],
  ["Σ", "$\\Sigma$"],
  ["±", "$\\pm$"],
  ["−", "$-$"],
  ["×", "$\\times$"],
  ["·", "$\\cdot$"],
  ["≤", "$\\le$"],
  ["≥", "$\\ge$"],
  ["<", "$<$"],
  [">", "$>$"],
  ["|", "$|$"],
  ["∞", "$\\infty$"],
  ["→", "$\\to$"],
  ["√", "$\\surd$"],
  ["–", "--"],
  ["—", "---"],
]);

/** A text in which TeX reads no mark; letters of other scripts stay. */
function latexText(text: string): string {
  return Array.from(oneLine(text), (mark) => LATEX.get(mark) ?? mark).join("");
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
