import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { withByteTokenizer } from "../data/byte_tokenizer.ts";
import { readAll } from "../data/format_cases.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { runInTurn } from "./run_in_turn.ts";

const data = (...args: string[]) => runInTurn("data", args);

const PAIRS = [
  { prompt: "Say yes.", chosen: " Yes, of course.", rejected: " No." },
  { prompt: "Say no.", chosen: " No, never.", rejected: " Yes." },
  { prompt: "Say yes.", chosen: " Yes, of course.", rejected: " No." },
  { prompt: "Say no more.", chosen: "", rejected: " <s>x" },
];

/** A folder with `pairs.jsonl`, of these rows, which may be broken text. */
function pairsFolder(rows: readonly unknown[] = PAIRS) {
  const folder = temporaryFolder();
  const path = join(folder.path, "pairs.jsonl");
  const lines = rows.map((row) =>
    typeof row === "string" ? row : JSON.stringify(row)
  );
  Deno.writeTextFileSync(path, lines.join("\n") + "\n");
  return { ...folder, path, at: (name: string) => join(folder.path, name) };
}

Deno.test("data inspect says what the rows are and shows some as they are written", async () => {
  using folder = pairsFolder();
  const { code, out } = await data("inspect", folder.path, "--samples", "1");
  strictEqual(code, 0);
  match(out, /^format +trl-pairs$/m);
  match(out, /^rows +4, pairs$/m);
  match(out, /^characters +min +5 % +median +95 % +max$/m);
  match(out, /^prompt +7 +7 +8 +11 +12$/m);
  match(out, /^ {2} 8 {2}█+ 2$/m);
  match(
    out,
    /^line 1\nprompt, 8 characters:\nSay yes\.\n\nchosen, 16 characters:\n⟦ Yes, of course\.⟧$/m,
  );
});

Deno.test("data inspect shows tokens with a model, also on a page with all checks", async () => {
  using folder = pairsFolder();
  const html = folder.at("pairs.html");
  await withByteTokenizer({}, async (model) => {
    const args = ["--model", model, "--html", html];
    const { code, out } = await data("inspect", folder.path, ...args);
    strictEqual(code, 0);
    match(out, /^prompt, 9 tokens:\n<s>Say yes\.$/m);
    match(out, /^⟦ No\.<\/s>⟧$/m);
  });
  const page = Deno.readTextFileSync(html);
  match(page, /<span class="special">&lt;s&gt;<\/span>Say yes/);
  match(page, /<span class="scored special">&lt;\/s&gt;<\/span>/);
  match(page, /<td>duplicate rows<\/td><td>1<\/td><td>line 3 \(as line 1\)/);
});

Deno.test("data inspect refuses a model that can tokenize no row", async () => {
  const rows = [{
    messages: [{ role: "user", content: "q" }, {
      role: "assistant",
      content: "a",
    }],
    label: true,
  }];
  using folder = pairsFolder(rows);
  await withByteTokenizer({}, async (model) => {
    const inspected = await data("inspect", folder.path, "--model", model);
    strictEqual(inspected.code, 1);
    match(
      inspected.err,
      /^error: Cannot tokenize .*line 1: messages need a chat template/,
    );
    const { code, out } = await data("check", folder.path, "--model", model);
    strictEqual(code, 0);
    match(out, /^wrong +rows that cannot be tokenized +1 +line 1$/m);
  });
});

Deno.test("data check counts what may be wrong, worst first, with places", async () => {
  using folder = pairsFolder();
  const { code, out } = await data("check", folder.path);
  strictEqual(code, 0);
  match(out, /^4 rows: pairs \(format trl-pairs\)$/m);
  match(out, /^wrong +empty completions +1 +line 4$/m);
  match(out, /^look +duplicate rows +1 +line 3 \(as line 1\)$/m);
  match(out, /^look +text that looks like special tokens +1 +line 4$/m);
  match(out, /^ok +length bias/m);
  ok(out.indexOf("\nwrong") < out.indexOf("\nlook"));
  match(
    out,
    /^ok: \d+ other checks found nothing\n {2}.*, equal completions,/m,
  );
});

Deno.test("data check compares with evaluation data", async () => {
  using folder = pairsFolder();
  const evaluation = folder.at("test.jsonl");
  Deno.writeTextFileSync(
    evaluation,
    JSON.stringify(PAIRS[1]) + "\n" +
      JSON.stringify({ ...PAIRS[0], rejected: " Never." }),
  );
  const { out } = await data("check", folder.path, "--eval", evaluation);
  match(out, /^wrong +rows that are in the evaluation data +1 +line 2$/m);
  match(out, /^look +other rows whose prompt is in .* +2 +line 1; line 3$/m);
});

Deno.test("data check prints JSON, and fails on request where something is wrong", async () => {
  using folder = pairsFolder();
  const { code, out, err } = await data(
    "check",
    folder.path,
    "--json",
    "--strict",
  );
  strictEqual(code, 1);
  strictEqual(
    err.trim(),
    `error: Cannot pass ${folder.path} (--strict): 1 empty completions`,
  );
  const { rows, kind, findings } = JSON.parse(out);
  deepStrictEqual([rows, kind], [4, "pairs"]);
  deepStrictEqual(findings[0], {
    check: "empty completions",
    verdict: "wrong",
    count: 1,
    places: [`${folder.path}, line 4`],
    says: "nothing is scored there: training drops or refuses such rows",
  });
});

Deno.test("data check --strict passes what is not wrong", async () => {
  using folder = pairsFolder(PAIRS.slice(0, 3));
  strictEqual((await data("check", folder.path, "--strict")).code, 0);
});

Deno.test("bad rows end a run, or are left out, counted and listed", async () => {
  using folder = pairsFolder([PAIRS[0], "{broken", { prompt: 1 }, PAIRS[1]]);
  const refused = await data("check", folder.path);
  strictEqual(refused.code, 1);
  match(refused.err, /^error: Cannot read .*pairs\.jsonl, line 2: /);
  const { code, out, err } = await data(
    "check",
    folder.path,
    "--skip-bad-rows",
  );
  strictEqual(code, 0);
  match(out, /^2 rows: pairs/m);
  match(out, /^wrong +rows that cannot be read +2/m);
  match(
    err,
    /^warning: 2 bad rows were left out:\n {2}Cannot read .*line 2: .*\n {2}Cannot read .*line 3: /,
  );
});

Deno.test("--limit reads the first rows alone", async () => {
  using folder = pairsFolder();
  const { out } = await data("check", folder.path, "--limit", "2");
  match(out, /^2 rows: pairs/m);
});

for (const to of ["trl", "llamafactory"]) {
  Deno.test(`data convert --to ${to} keeps what the rows say, and a record`, async () => {
    using folder = pairsFolder(PAIRS.slice(0, 3));
    const file = folder.at("out.json");
    const { code, out } = await data(
      "convert",
      folder.path,
      "--to",
      to,
      "--out",
      file,
    );
    strictEqual(code, 0);
    match(out, /^Wrote 3 rows \(format [\w-]+\) to .*out\.json$/m);
    const { kind, rows } = await readAll(file);
    strictEqual(kind, "pairs");
    strictEqual(rows.length, 3);
    match(JSON.stringify(rows[0]!.completions), / Yes, of course\./);
    const record = JSON.parse(Deno.readTextFileSync(`${file}.record.json`));
    strictEqual(record.source.files[0].path, "pairs.jsonl");
    match(record.source.files[0].sha256, /^[0-9a-f]{64}$/);
    strictEqual(record.written.rows, 3);
  });
}

Deno.test("data convert refuses to write over what it reads", async () => {
  using folder = pairsFolder();
  const file = folder.at("pairs.jsonl");
  const before = await Deno.readTextFile(file);
  const args = ["--to", "trl", "--flip", "1", "--out", file];
  const { code, err } = await data("convert", folder.path, ...args);
  strictEqual(code, 1);
  match(err, /Cannot write .*pairs\.jsonl: it is the data that is converted$/m);
  strictEqual(await Deno.readTextFile(file), before);
});

Deno.test("data convert tells LLaMA-Factory of the file, and keeps its other entries", async () => {
  using folder = pairsFolder(PAIRS.slice(0, 2));
  const info = folder.at("dataset_info.json");
  Deno.writeTextFileSync(info, JSON.stringify({ other: { "file_name": "o" } }));
  const file = folder.at("mine.json");
  await data("convert", folder.path, "--to", "llamafactory", "--out", file);
  const entries = JSON.parse(Deno.readTextFileSync(info));
  deepStrictEqual(Object.keys(entries), ["other", "mine"]);
  strictEqual(entries.mine.file_name, "mine.json");
});

Deno.test("data convert changes rows by seed, and records how", async () => {
  using folder = pairsFolder(PAIRS.slice(0, 3));
  const file = folder.at("labels.jsonl");
  const args = ["--unpair", "--flip", "0.5", "--seed", "3", "--out", file];
  const convert = () => data("convert", folder.path, "--to", "trl", ...args);
  const { code, out } = await convert();
  strictEqual(code, 0);
  match(
    out,
    /^--flip: rows 3, flipped 2\n--unpair: desirable 3, undesirable 3$/m,
  );
  const first = Deno.readTextFileSync(file);
  const { kind, rows } = await readAll(file);
  deepStrictEqual([kind, rows.length], ["labels", 6]);
  const record = JSON.parse(Deno.readTextFileSync(`${file}.record.json`));
  strictEqual(record.seed, 3);
  deepStrictEqual(record.conversions, [
    { name: "flip", setting: 0.5, counts: { rows: 3, flipped: 2 } },
    { name: "unpair", setting: true, counts: { desirable: 3, undesirable: 3 } },
  ]);
  await convert();
  strictEqual(Deno.readTextFileSync(file), first);
});

Deno.test("data convert writes the ids that training sees", async () => {
  using folder = pairsFolder(PAIRS.slice(0, 2));
  const file = folder.at("ids.jsonl");
  await withByteTokenizer({}, async (model) => {
    const args = ["--to", "tokens", "--model", model, "--out", file];
    const { code } = await data("convert", folder.path, ...args);
    strictEqual(code, 0);
  });
  const { kind, rows } = await readAll(file);
  deepStrictEqual([kind, rows.length, rows[0]!.form], ["pairs", 2, "ids"]);
  strictEqual(rows[0]!.prompt[0], 0); // BOS
  const [chosen] = rows[0]!.completions as number[][];
  strictEqual(chosen!.length, " Yes, of course.".length + 1);
  strictEqual(chosen!.at(-1), 1); // EOS
  const record = JSON.parse(Deno.readTextFileSync(`${file}.record.json`));
  strictEqual(record.tokens.counts.rows, 2);
});

Deno.test("data convert writes scores with ids, and votes as weights and as nothing else", async () => {
  const [pair] = PAIRS;
  const votes = { "votes_chosen": 3, "votes_rejected": 1 };
  const scores = { "score_chosen": 8, "score_rejected": 6.5 };
  using folder = pairsFolder([{ ...pair, ...votes, ...scores }]);
  const file = folder.at("ids.jsonl");
  const args = ["--soft-labels", "--out", file];
  await withByteTokenizer({}, async (model) => {
    const to = ["--to", "tokens", "--model", model];
    const { code, err } = await data("convert", folder.path, ...to, ...args);
    strictEqual(code, 0, err);
  });
  const { rows } = await readAll(file);
  deepStrictEqual(rows.map(({ weight }) => weight), [0.75, 0.25]);
  deepStrictEqual(rows.map(({ ratings }) => ratings), [[8, 6.5], [6.5, 8]]);
  const trl = await data("convert", folder.path, "--to", "trl", ...args);
  match(trl.err, /as trl-pairs: it would change the row's weight, /);
});

Deno.test("data formats lists every layout", async () => {
  const { code, out } = await data("formats");
  strictEqual(code, 0);
  match(out, /^trl-pairs +pairs +prompt \(text\), chosen \(text\)/m);
});

/** What is wrong, the arguments, the message, and the status if it is not 1. */
const REFUSED: readonly [string, string[], RegExp, status?: number][] = [
  [
    "an unknown action",
    ["chekc", "x"],
    /"chekc"; expected one of inspect, check, convert, formats$/m,
    2,
  ],
  ["an action without data", ["check"], /Missing argument DATA of check/, 2],
  ["data that is not there", ["check", "no.jsonl"], /the data "no\.jsonl"/],
  [
    "a flag of another action",
    ["inspect", "x", "--strict"],
    /Cannot use --strict: inspect does not read it$/m,
    2,
  ],
  [
    "a template without a model",
    ["check", "x", "--template"],
    /Cannot use --template without --model: only tokenization reads it$/m,
  ],
  [
    "limits without a model",
    ["check", "x", "--max-length", "9"],
    /Cannot use --max-length without --model: only tokenization reads it$/m,
  ],
  [
    "a flag of another action that is 0",
    ["check", "x", "--seed", "0"],
    /Cannot use --seed: check does not read it$/m,
    2,
  ],
  ["a conversion without --to", ["convert", "x"], /expected --to and --out/, 2],
  [
    "another ending",
    ["convert", "x", "--to", "trl", "--out", "x.csv"],
    /Cannot write x\.csv: expected a name in \.jsonl or \.json$/m,
  ],
];

for (const [what, args, message, status = 1] of REFUSED) {
  Deno.test(`data refuses ${what} in a line`, async () => {
    const { code, err } = await runInTurn("data", args);
    strictEqual(code, status);
    match(err, message);
    strictEqual(err.trim().split("\n").length, 1);
  });
}

const CANNOT: readonly [string, string[], RegExp][] = [
  [
    "a conversion of another kind",
    ["--to", "trl", "--pairs", "all"],
    /Cannot use --pairs with pairs: expected ranks$/m,
  ],
  [
    "tokens without a model",
    ["--to", "tokens"],
    /Missing flag --model: --to tokens needs its tokenizer$/m,
  ],
  [
    "limits that nothing reads",
    ["--to", "trl", "--max-length", "9"],
    /Cannot use --max-length with --to trl: only tokenization reads it$/m,
  ],
  [
    "an unknown format",
    ["--to", "trl", "--format", "nonsense"],
    /Cannot use format "nonsense": expected one of /,
  ],
];

for (const [what, args, message] of CANNOT) {
  Deno.test(`data convert refuses ${what}, and writes nothing`, async () => {
    using folder = pairsFolder();
    const out = folder.at("out.jsonl");
    const { code, err } = await data(
      "convert",
      folder.path,
      ...args,
      "--out",
      out,
    );
    strictEqual(code, 1);
    match(err, message);
    deepStrictEqual(
      [...Deno.readDirSync(folder.at("."))].map(({ name }) => name),
      ["pairs.jsonl"],
    );
  });
}
