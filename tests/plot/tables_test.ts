import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import type { Table } from "lib/plot/figure.ts";
import {
  csvTables,
  latexTables,
  markdownTables,
  tableOf,
} from "lib/plot/tables.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const TABLES: Table[] = [{
  caption: "At the end",
  columns: ["method", "KL, nats"],
  rows: [["dpo β 0.1", "1.07 ± 0.22"], ["sft", null], ["a|b", 1 / 3]],
}, {
  caption: "50 % of π_ref",
  columns: ["name", "n"],
  rows: [['say "no"\\', 3]],
}];

Deno.test("a table has a row for each item, and its cells under their headings", () => {
  const table = tableOf([{ name: "dpo", kl: 2 }, { name: "sft", kl: null }], {
    caption: "At the end",
    columns: {
      method: ({ name }) => name,
      "KL, nats": ({ kl }) => kl && 10 * kl,
    },
  });
  deepStrictEqual(table, {
    caption: "At the end",
    columns: ["method", "KL, nats"],
    rows: [["dpo", 20], ["sft", null]],
  });
});

Deno.test("tables of Markdown are aligned, escaped, and stay as deno fmt has them", async () => {
  const text = markdownTables(TABLES);
  strictEqual(
    text,
    String.raw`**At the end**

| method    | KL, nats    |
| --------- | ----------- |
| dpo β 0.1 | 1.07 ± 0.22 |
| sft       | –           |
| a\|b      | 0.3333      |

**50 % of π_ref**

| name       | n |
| ---------- | - |
| say "no"\\ | 3 |
`,
  );
  using folder = temporaryFolder();
  const path = join(folder.path, "table.md");
  Deno.writeTextFileSync(path, text);
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--check", "--no-config", path],
  }).output();
  strictEqual(success, true);
});

Deno.test("tables of LaTeX have rules of booktabs, and no mark of TeX is read as one", () => {
  strictEqual(
    latexTables(TABLES.slice(1)),
    String.raw`% \usepackage{booktabs}
\begin{table}
  \centering
  \caption{50 \% of $\pi$\_ref}
  \begin{tabular}{lr}
    \toprule
    name & n \\
    \midrule
    say "no"\textbackslash{} & 3 \\
    \bottomrule
  \end{tabular}
\end{table}
`,
  );
  const marks = { caption: "", columns: ["&%$#_{}~^"], rows: [["−1 ± ε > σ"]] };
  const lines = latexTables([marks]).split("\n");
  const cells = lines.filter((line) => line.endsWith(" \\\\"));
  deepStrictEqual(cells.map((line) => line.trim()), [
    String.raw`\&\%\$\#\_\{\}\textasciitilde{}\textasciicircum{} \\`,
    String.raw`$-$1 $\pm$ $\varepsilon$ $>$ $\sigma$ \\`,
  ]);
});

Deno.test("CSV holds exact numbers, and captions as comments", () => {
  strictEqual(
    csvTables(TABLES),
    `# At the end
method,"KL, nats"
dpo β 0.1,1.07 ± 0.22
sft,
a|b,0.3333333333333333

# 50 % of π_ref
name,n
"say ""no""\\",3
`,
  );
});
