import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import {
  durationText,
  errorText,
  markedText,
  numberText,
  type ProgressState,
  progressText,
  tableText,
  visibleText,
  wrappedText,
} from "lib/cli/terminal_text.ts";

Deno.test("errorText() adds a cause that says something new", () => {
  const cause = new Error("No such file\nat all");
  strictEqual(
    errorText(new Error("Cannot read model/config.json", { cause })),
    "Cannot read model/config.json (No such file)",
  );
  strictEqual(
    errorText(new Error("Cannot read x: No such file", { cause })),
    "Cannot read x: No such file",
  );
});

Deno.test("errorText() takes two lines at most, and anything thrown", () => {
  strictEqual(errorText(new Error("one\n\ntwo\nthree")), "one\ntwo");
  strictEqual(errorText(new TypeError()), "TypeError");
  strictEqual(errorText("text"), "text");
  strictEqual(errorText(undefined), "undefined");
});

Deno.test("errorText() says what the system said, and the file if nothing else does", () => {
  const said = "No such file or directory (os error 2)";
  const cause = new Deno.errors.NotFound(`${said}: realpath '/tmp/m/a.json'`);
  strictEqual(errorText(cause), "No such file or directory: /tmp/m/a.json");
  strictEqual(
    errorText(new Error(`Cannot read m/a.json: ${cause.message}`, { cause })),
    "Cannot read m/a.json: No such file or directory",
  );
  strictEqual(
    errorText(new Error("Cannot open the model", { cause })),
    "Cannot open the model (No such file or directory: /tmp/m/a.json)",
  );
  strictEqual(
    errorText(
      new Error("Cannot write x: No such file or directory", { cause }),
    ),
    "Cannot write x: No such file or directory",
  );
  strictEqual(
    errorText(new Error(`Cannot move a: ${said}: rename 'a' -> 'b'; stays`)),
    "Cannot move a: No such file or directory; stays",
  );
});

Deno.test("errorText() gives stack and causes when debugging", () => {
  const error = new Error("outer", { cause: new RangeError("inner") });
  match(
    errorText(error, { debug: true }),
    /^Error: outer\n +at .*\[cause\]: RangeError: inner\n +at /s,
  );
});

Deno.test("tableText() aligns numbers right, words left, and takes titles and order from columns", () => {
  const rows = [
    { seed: 1, loss: "dpo", reward: 2.71828, note: "a\nb" },
    { seed: 12, loss: "kto", reward: null, note: undefined },
    { seed: 3, loss: "orpo", reward: "−0.5 ± 0.02", note: "c" },
  ];
  strictEqual(
    tableText(rows, {
      columns: { loss: "loss", seed: "seed", reward: "reward", note: "" },
    }),
    [
      "loss  seed       reward",
      "----  ----  -----------  ---",
      "dpo      1        2.718  a b",
      "kto     12",
      "orpo     3  −0.5 ± 0.02  c",
    ].join("\n"),
  );
});

Deno.test("tableText() shows the keys of the first row unless told otherwise", () => {
  strictEqual(tableText([{ a: 1, b: "x" }]), "a  b\n-  -\n1  x");
  strictEqual(tableText([], { columns: { a: "A", b: "B" } }), "A  B\n-  -");
});

Deno.test("numberText() keeps integers and four digits of the rest", () => {
  const numbers = [0, -12345678, 0.61, 1234.56, -0.5, 5e-5, NaN, -Infinity];
  deepStrictEqual(numbers.map(numberText), [
    "0",
    "-12345678",
    "0.6100",
    "1235",
    "-0.5000",
    "5.00e-5",
    "NaN",
    "-Infinity",
  ]);
});

Deno.test("durationText() rounds to seconds", () => {
  const seconds = [0, 59.6, 125, 3600, 37230, Infinity, NaN];
  deepStrictEqual(seconds.map(durationText), [
    "0:00",
    "1:00",
    "2:05",
    "1:00:00",
    "10:20:30",
    "?",
    "?",
  ]);
});

const STATE: ProgressState = {
  title: "dpo",
  done: 120,
  total: 400,
  rate: 2.5,
  elapsed: 48,
  ended: false,
  metrics: { loss: 0.612, accuracy: 1 },
};

Deno.test("progressText() is a plain line without columns", () => {
  strictEqual(
    progressText(STATE, null),
    "dpo  120/400  2.500/s  ETA 1:52  loss 0.6120  accuracy 1",
  );
  strictEqual(
    progressText({ ...STATE, rate: 0, metrics: {} }, null),
    "dpo  120/400  ?/s  ETA ?",
  );
  strictEqual(
    progressText({ ...STATE, ended: true }, null),
    "dpo  120/400  2.500/s  in 0:48  loss 0.6120  accuracy 1",
  );
});

Deno.test("progressText() draws a bar where there is room, and fits every width", () => {
  strictEqual(
    progressText(STATE, 69),
    "dpo  ███░░░░░░░  120/400  2.500/s  ETA 1:52  loss 0.6120  accuracy 1",
  );
  strictEqual(
    progressText(STATE, 66),
    "dpo  120/400  2.500/s  ETA 1:52  loss 0.6120  accuracy 1",
  );
  for (let columns = 1; columns < 120; columns++) {
    const { length } = progressText(STATE, columns);
    strictEqual(length, Math.min(columns - 1, length));
  }
  const all = progressText({ ...STATE, done: 500 }, 200);
  strictEqual(all.match(/█+/)?.[0].length, 30);
});

const MARKED = [
  { text: "a ", marked: false },
  { text: "b", marked: true },
  { text: "</s>", marked: true, special: true },
];

Deno.test("what is marked stands in brackets where there are no colours", () => {
  strictEqual(markedText(MARKED, { colour: false }), "a ⟦b</s>⟧");
});

Deno.test("what is marked is green, and what is special reversed, in colour", () => {
  strictEqual(
    markedText(MARKED, { colour: true }),
    "\x1b[90ma \x1b[0m\x1b[32mb\x1b[0m\x1b[32;7m</s>\x1b[0m",
  );
});

Deno.test("control characters are written out, tab and line feed left alone", () => {
  const text = "a\tb\n\x1b[31m\r\0\x9b";
  strictEqual(visibleText(text), "a\tb\n\\x1b[31m\\x0d\\x00\\x9b");
  strictEqual(
    markedText([{ text: "\x1b", marked: true }], { colour: false }),
    "⟦\\x1b⟧",
  );
});

Deno.test("wrappedText() breaks at spaces, and leaves a long word whole", () => {
  const options = { margin: 2, columns: 8 };
  deepStrictEqual(wrappedText("one two three", options), [
    "one two",
    "  three",
  ]);
  deepStrictEqual(wrappedText("  one two", options), ["  one", "  two"]);
  deepStrictEqual(wrappedText("  longerword", options), ["  longerword"]);
});
