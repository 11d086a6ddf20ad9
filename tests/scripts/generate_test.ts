import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { readConfig } from "lib/models/read_config.ts";
import { writeSafetensors } from "lib/models/weights/write_safetensors.ts";
import { readRecord } from "lib/record/record.ts";
import { sha256File } from "lib/record/sha256.ts";
import { readAll } from "../data/format_cases.ts";
import { baseSize, bytes, withByteTokenizer } from "../data/byte_tokenizer.ts";
import { randomDecoder } from "../models/random_decoder.ts";
import { putJson, TINY } from "../models/tiny_model.ts";
import { once } from "../once.ts";
import { runInTurn } from "./run_in_turn.ts";
import type { Outcome } from "./run_script.ts";

const TEMPLATE =
  "{{ mood }}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}" +
  "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";

/** Runs a check with a small random model and something to run the script. */
async function withModel(
  check: (
    folder: string,
    generate: (...args: string[]) => ReturnType<typeof run>,
  ) => Promise<void>,
): Promise<void> {
  const config = Object.fromEntries([["chat_template", TEMPLATE]]);
  await withByteTokenizer({ config }, async (folder) => {
    const sizes = Object.fromEntries([["vocab_size", baseSize]]);
    await putJson(join(folder, "config.json"), { ...TINY, ...sizes });
    const { policy } = randomDecoder(await readConfig(folder));
    const tensors = policy.trained.map((parameter) => ({
      ...parameter,
      data: policy.initial.get(parameter.name)!,
    }));
    await writeSafetensors(join(folder, "model.safetensors"), tensors);
    await check(
      folder,
      (...args) => run(["--model", folder, "--threads", "1", ...args]),
    );
  });
}

const run = (args: readonly string[]) => runInTurn("generate", args);

/** Objects of JSONL. */
const objects = (text: string) =>
  text.trimEnd().split("\n").map((line) => JSON.parse(line));

Deno.test("generate draws the same from a seed, whatever the batch and the order of prompts", async () => {
  await withModel(async (folder, generate) => {
    const path = join(folder, "prompts.jsonl");
    const rows = [{ prompt: "Hi" }, {
      messages: [{ role: "user", content: "Yes" }],
    }];
    const draw = async (
      prompts: readonly unknown[],
      ...args: readonly string[]
    ) => {
      const lines = prompts.map((row) => JSON.stringify(row));
      await Deno.writeTextFile(path, lines.join("\n"));
      const { code, out, err } = await generate(
        ...["--prompts", path, "--json", "--max-new-tokens", "5"],
        ...["--samples", "2", "--temperature", "1", "--top-k", "20", ...args],
      );
      strictEqual(code, 0, err);
      match(err, /completions {2}4\/4 .*tokens\/s/);
      return objects(out);
    };
    const lines = await draw(rows, "--seed", "3");
    const asked = [[{ role: "user", content: "Hi" }], rows[1]!.messages];
    deepStrictEqual(
      lines.map(({ prompt, sample }) => [prompt, sample]),
      [[asked[0], 0], [asked[0], 1], [asked[1], 0], [asked[1], 1]],
    );
    const ids = (some: typeof lines) =>
      some.map(({ completion_ids: ids }) => ids);
    const reversed = rows.toReversed();
    const again = await draw(reversed, "--seed", "3", "--batch", "1");
    deepStrictEqual(ids([...again.slice(2), ...again.slice(0, 2)]), ids(lines));
    ok(`${ids(await draw(rows, "--seed", "4"))}` !== `${ids(lines)}`);
  });
});

Deno.test("generate writes rows that a label makes data, and a record", async () => {
  await withModel(async (folder, generate) => {
    const out = join(folder, "new", "answers.jsonl");
    const flags = ["--max-new-tokens", "6", "--temperature", "0.9"];
    const held = ["--base-weights", "int8", "--precision", "float16"];
    const draw = async (...args: string[]) => {
      const all = ["--prompt", "Hi", "--out", out, ...flags, ...held, ...args];
      const { code, err, out: said } = await generate(...all);
      strictEqual(code, 0, err);
      strictEqual(said, `Wrote 3 completions to ${out}\n`);
      return objects(await Deno.readTextFile(out));
    };
    const rows = await draw("--samples", "3", "--min-p", "0.01", "--seed", "5");
    for (const row of rows) {
      const n = row.completion_ids.length;
      strictEqual(row.finish, n < 6 ? "eos" : row.finish);
      deepStrictEqual([row.logps.length, row.sampling_logps.length], [n, n]);
      strictEqual(row.seed, 5);
      deepStrictEqual(row.settings, {
        maxNewTokens: 6,
        repetitionPenalty: 1,
        temperature: 0.9,
        topK: 0,
        topP: 1,
        minP: 0.01,
        stop: [],
      });
    }
    const record = await readRecord(`${out}.record.json`);
    strictEqual(record.kind, "generate");
    strictEqual(record.artifacts["answers.jsonl"], await sha256File(out));
    strictEqual(record.summary["completions"], 3);
    strictEqual(record.settings["baseWeights"], "int8");
    strictEqual(record.settings["precision"], "float16");
    strictEqual(record.environment.precision, "float16");

    const labelled = rows.map((fields, i) => ({ ...fields, label: i > 0 }));
    const drawn = await readAll({ name: "answers", rows: labelled });
    strictEqual(drawn.format, "ids-labels");
    const [first] = drawn.rows;
    deepStrictEqual([first!.prompt, first!.completions], [
      rows[0].prompt_ids,
      [rows[0].completion_ids],
    ]);
    const words = labelled.map((fields) => {
      const { prompt_ids: _p, completion_ids: _c, ...rest } = fields;
      return rest;
    });
    const said = await readAll({ name: "answers", rows: words });
    strictEqual(said.format, "trl-labels-chat");
  });
});

Deno.test("generate stops before a text, wherever tokens end", async () => {
  await withModel(async (_folder, generate) => {
    const flags = [
      ...["--prompt", "Hi", "--raw", "--json", "--max-new-tokens", "9"],
      ...["--temperature", "1", "--seed", "2"],
    ];
    const [free] = objects((await generate(...flags)).out);
    const text: string = free.completion;
    const [stop] = text.match(/[!-~]{3}(?=[!-~])/)!; // a token a letter
    const list = JSON.stringify(["never", stop]);
    const [cut] = objects((await generate(...flags, "--stop", list)).out);
    strictEqual(cut.completion, text.slice(0, text.indexOf(stop)));
    strictEqual(cut.finish, "stop");
    ok(cut.completion_ids.length < free.completion_ids.length);
    strictEqual(cut.prompt, "Hi");
  });
});

Deno.test("generate tells the chat template what it is told", async () => {
  await withModel(async (_folder, generate) => {
    const flags = ["--prompt", "Hi", "--json", "--max-new-tokens", "1"];
    const [plain] = objects((await generate(...flags)).out);
    const told = await generate(...flags, "--template-option", "mood=sad");
    const [sad] = objects(told.out);
    deepStrictEqual(sad.prompt_ids, [...bytes("sad"), ...plain.prompt_ids]);
  });
});

Deno.test("generate prints the likeliest text by itself, with or without the template", async () => {
  await withModel(async (_folder, generate) => {
    const flags = ["--prompt", "Hi", "--max-new-tokens", "4"];
    const chat = await generate(...flags);
    strictEqual(chat.code, 0, chat.err);
    ok(!chat.out.includes(">"));
    const raw = await generate(...flags, "--raw");
    ok(raw.out !== chat.out);
  });
});

Deno.test("generate continues the text of rows for training as train sees it, with --template too", () =>
  withModel(async (folder, generate) => {
    const path = join(folder, "pairs.jsonl");
    const row = { prompt: "Hi", chosen: "Yes", rejected: "No" };
    await Deno.writeTextFile(path, JSON.stringify(row));
    const flags = ["--prompts", path, "--max-new-tokens", "1", "--json"];
    const [plain, put] = [
      await generate(...flags),
      await generate(...flags, "--template"),
    ];
    match(plain.err, /^1 of 1 prompts: text of rows for training, to which /m);
    ok(!put.err.includes("for training"), put.err);
    const ids = [plain, put].map(({ out }) => objects(out)[0].prompt_ids);
    deepStrictEqual(ids, [[0, ...bytes("Hi")], [2, ...bytes("Hi"), 3]]);
    const raw = await generate(...flags, "--template", "--raw");
    match(raw.err, /^error: Cannot use --template: expected a model with a /);
  }));

Deno.test("generate tells of parts that the chat template leaves out of prompts, and records their numbers", () =>
  withModel(async (folder, generate) => {
    const template = TEMPLATE.replace(
      "in messages",
      "in messages if m.role != 'system'",
    );
    await Deno.writeTextFile(join(folder, "chat_template.jinja"), template);
    const path = join(folder, "prompts.jsonl");
    const rows = [{ prompt: "Hi" }, { prompt: "Hi", system: "Be brief." }];
    const lines = rows.map((row) => JSON.stringify(row));
    await Deno.writeTextFile(path, lines.join("\n"));
    const out = join(folder, "answers.jsonl");
    const { code, err } = await generate(
      ...["--prompts", path, "--max-new-tokens", "1", "--out", out],
    );
    strictEqual(code, 0, err);
    match(
      err,
      /^1 of 2 prompts: the chat template leaves out system messages$/m,
    );
    const { data: [data] } = await readRecord(`${out}.record.json`);
    strictEqual(data!.counts["systemDropped"], 1);
    const whole = await generate("--prompt", "Hi", "--max-new-tokens", "1");
    ok(!whole.err.includes("leaves out"), whole.err);
  }));

/** Flags, the error in one line, and the exit status where it is not 1. */
const REFUSED: [string[], RegExp, number?][] = [
  [[], /expected --prompt TEXT or --prompts FILE/, 2],
  [["--prompt", "Hi", "--samples", "2"], /use --samples at temperature 0/, 2],
  [["--prompt", "Hi", "--top-k", "5"], /use --top-k at temperature 0/, 2],
  [["--prompt", "Hi", "--stop", '["a", 1]'], /--stop: found .*a JSON list/, 2],
  [["--prompt", "Hi", "--out", "a.txt"], /Cannot write a.txt: expected a name/],
  [["--prompt", "Hi", "--out", "a.json", "--json"], /use --json with --out/, 2],
  [["--prompt", "Hi", "--raw", "--system", "Be"], /Cannot use --system/],
  [["--prompt", "x".repeat(40)], /prompt 0: it has 42 tokens, expected fewer/],
  [
    ["--prompt", "Hi", "--adapter", "/none"],
    /Cannot find the model or adapter "\/none"/,
  ],
];

Deno.test("generate continues the text of rows for training, and takes no system message for it", () =>
  withModel(async (folder, generate) => {
    const path = join(folder, "pairs.jsonl");
    const row = { prompt: "Hi", chosen: " you", rejected: " me" };
    await Deno.writeTextFile(path, JSON.stringify(row));
    const flags = ["--prompts", path, "--json", "--max-new-tokens", "1"];
    const { out } = await generate(...flags);
    deepStrictEqual(JSON.parse(out).prompt_ids, [0, ...bytes("Hi")]);
    const { code, err } = await generate(...flags, "--system", "Be brief.");
    strictEqual(code, 1);
    match(
      err,
      /Cannot use --system with .*pairs.jsonl, line 1: its completions/,
    );
  }));

const refusals = once(async () => {
  const outcomes: Outcome[] = [];
  await withModel(async (folder) => {
    const model = ["--model", folder, "--threads", "1"];
    for (const [flags] of REFUSED) {
      outcomes.push(await runInTurn("generate", [...model, ...flags]));
    }
  });
  return outcomes;
});

for (const [i, [flags, message, status = 1]] of REFUSED.entries()) {
  Deno.test(`generate refuses ${flags.join(" ").slice(0, 40) || "no prompt"}`, async () => {
    const { code, out, err } = (await refusals())[i]!;
    match(err, message);
    match(err, /^error: [^\n]*\n$/m);
    strictEqual(out, "");
    strictEqual(code, status);
  });
}

Deno.test("generate takes the chat template that --template-name says", () =>
  withModel(async (folder, generate) => {
    const place = join(folder, "additional_chat_templates");
    await Deno.mkdir(place);
    await Deno.writeTextFile(join(folder, "chat_template.jinja"), "a");
    await Deno.writeTextFile(join(place, "long.jinja"), "abc");
    const prompt = ["--prompt", "Hi", "--json", "--max-new-tokens", "1"];
    const idsOf = async (...args: string[]) =>
      JSON.parse((await generate(...prompt, ...args)).out).prompt_ids.length;
    strictEqual(await idsOf(), 1);
    strictEqual(await idsOf("--template-name", "long"), 3);
    const { code, err } = await generate(...prompt, "--template-name", "none");
    strictEqual(code, 1);
    match(err, /there is none named "none", expected default or long/);
  }));
