import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { quoted } from "lib/experiment/quotations.ts";
import { markdownTables } from "lib/plot/tables.ts";

const FILES: Readonly<Record<string, string>> = {
  "results/a/table.md": markdownTables([
    { caption: "One", columns: ["x", "y"], rows: [["a$&", 1]] },
    { caption: "Two (of 2)", columns: ["x"], rows: [["b"]] },
  ]),
  "results/a/summary.json": JSON.stringify({
    list: [{ "a/b": 2.3956, low: -0.4, share: 0.126, runs: 48123 }],
  }),
};
const read = (file: string) => FILES[file]!;

const check = (text: string) => {
  const { text: right, misquotations } = quoted(text, read);
  // It is right once it is what was put there.
  deepStrictEqual(quoted(right, read), { text: right, misquotations: [] });
  return { right, misquotations };
};

Deno.test("a block is a whole file, or the table with a caption", () => {
  const block = (name: string, content: string) =>
    `# T\n\n<!-- results/a/table.md${name} -->\n\n${content}\n\n<!-- end -->\n`;
  const whole = check(block("", "| old |"));
  strictEqual(whole.right, block("", FILES["results/a/table.md"]!.trim()));
  const one = check(block(": One", "old\n\nlines"));
  const table = "| x   | y |\n| --- | - |\n| a$& | 1 |";
  strictEqual(one.right, block(": One", table));
  deepStrictEqual(one.misquotations, [{
    line: 3,
    source: "results/a/table.md: One",
    found: "old\n\nlines",
    expected: table,
  }]);
  const two = block(": Two (of 2)", "| x |\n| - |\n| b |");
  deepStrictEqual(check(two).misquotations, []);
  // An empty block takes nothing of the text after it.
  const empty =
    "<!-- results/a/table.md: One -->\n\n<!-- end -->\n\nProse.\n\n";
  const filled = block(": One", table).replace("# T\n\n", "");
  strictEqual(check(empty + two).right, `${filled}\nProse.\n\n${two}`);
  const both = two + block(": One", "old");
  deepStrictEqual(check(both).misquotations.map(({ line }) => line), [12]);
});

Deno.test("a number has the digits, the sign and the commas that stand there", () => {
  const number = (text: string, place: string) =>
    `${text}<!--results/a/summary.json#/list/0/${place}-->`;
  const quotes = {
    "a~1b": ["2.40", "9.99"],
    low: ["−0.4", "0.1"],
    share: ["13 %", "12 %"],
    runs: ["48,123", "1"],
  };
  for (const [place, [right, wrong]] of Object.entries(quotes)) {
    const text = `At ${number(right!, place)}, it is.`;
    strictEqual(check(text).right, text);
    deepStrictEqual(check(text).misquotations, []);
    const other = check(`At ${number(wrong!, place)}, it is.`);
    strictEqual(other.misquotations.length, 1, place);
    strictEqual(other.right, text);
  }
  deepStrictEqual(check(`\n\n${number("9.99", "a~1b")}`).misquotations, [{
    line: 3,
    source: "results/a/summary.json#/list/0/a~1b",
    found: "9.99",
    expected: "2.40",
  }]);
});

Deno.test("a quotation of nothing is an error", () => {
  throws(
    () => check("<!-- results/a/table.md: Ten -->\n\n\n\n<!-- end -->"),
    /Cannot quote results\/a\/table\.md: it has no table "Ten"/,
  );
  throws(
    () => check("1<!--results/a/summary.json#/list/3/x-->"),
    /Cannot quote results\/a\/summary\.json: it has no number at \/list\/3\/x/,
  );
});
