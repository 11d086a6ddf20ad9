import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { readRows } from "lib/data/containers/read_rows.ts";
import type { SourceRow } from "lib/data/containers/reading.ts";
import { isObject } from "lib/files/values.ts";
import { recogniseFormat } from "lib/data/formats/registry.ts";
import { encodeRow } from "lib/data/tokenize/encode_row.ts";
import { LeftOutFinder } from "lib/data/tokenize/left_out.ts";
import { loadTokenizer, type Tokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { Rng } from "lib/rng.ts";
import { writeByteTokenizer } from "../byte_tokenizer.ts";
import { dataFile } from "../containers/data_file.ts";
import { fixtureTokenizer, type Model } from "../fixture_models.ts";
import { temporaryFolder } from "../../temporary_folder.ts";

/** Models whose templates write calls of tools. */
const CALLING: readonly Model[] = [
  "llama_3_1",
  "llama_3_2",
  "mistral_v0_3",
  "qwen_2_5",
  "qwen_3",
];

/** A value as some JSON spells it, and as Python's `json.dumps()` writes it. */
interface Spelled {
  readonly json: string;
  readonly python: string;
}

/** Values with one spelling or more; of floats Python keeps that they are. */
const VALUES: readonly Spelled[] = Object.entries({
  "1.0": "1.0",
  "1e3": "1000.0",
  "2.50": "2.5",
  "-0.0": "-0.0",
  "1E-7": "1e-07",
  "1e22": "1e+22",
  "9007199254740991": "9007199254740991",
  "-5": "-5",
  "true": "true",
  "null": "null",
  '"1.0"': '"1.0"',
  '"\\u00e9\\"\\\\"': '"é\\"\\\\"',
  '"a\\/b <c>"': '"a/b <c>"',
  '""': '""',
}).map(([json, python]) => ({ json, python }));

/** A random value of lists and objects, some of them empty. */
function randomValue(rng: Rng, depth: number): Spelled {
  const kind = rng.integer(4);
  if (kind > 1 || depth === 0) return VALUES[rng.integer(VALUES.length)]!;
  if (kind === 1) return randomObject(rng, depth - 1);
  const items = Array.from(
    { length: rng.integer(3) },
    () => randomValue(rng, depth - 1),
  );
  return {
    json: `[${items.map(({ json }) => json).join(",")}]`,
    python: `[${items.map(({ python }) => python).join(", ")}]`,
  };
}

function randomObject(rng: Rng, depth: number): Spelled {
  const entries = Array.from(
    { length: rng.integer(4) },
    (_, i) => ({ key: `"k${i}"`, value: randomValue(rng, depth) }),
  );
  const written = (spelling: keyof Spelled, colon: string, comma: string) => {
    const all = entries.map(({ key, value }) => key + colon + value[spelling]);
    return `{${all.join(comma)}}`;
  };
  return {
    json: written("json", ":", " ,"),
    python: written("python", ": ", ", "),
  };
}

const ASKED = '{"role": "user", "content": "Go."}';
const OTHER = '[{"role": "assistant", "content": "No."}]';
const ID = '"id": "abcdefghi"';

/** A line whose better answer is a call, given as JSON, and keys of its turn. */
function lineOf(call: string, more = '"content": ""', asked = ASKED): string {
  return `{"prompt": [${asked}], "rejected": ${OTHER}, "chosen": ` +
    `[{"role": "assistant", ${more}, "tool_calls": [${call}]}]}`;
}

function wrapped(given: string, more = ""): string {
  return `{${ID}, "type": "function", ` +
    `"function": {"name": "f", "arguments": ${given}${more}}${more}}`;
}

/** Lines that say the same call; all differ in how they are written. */
function spellings({ json, python }: Spelled): string[] {
  const text = JSON.stringify(json);
  return [
    lineOf(wrapped(python)),
    lineOf(wrapped(json)),
    lineOf(wrapped(text)),
    lineOf(wrapped(JSON.stringify(python)), '"content": null'),
    lineOf(`{${ID}, "name": "f", "arguments": ${json}}`),
    lineOf(`{${ID}, "name": "f", "arguments": ${text}}`),
    lineOf(
      wrapped(text),
      '"content": null, "name": null',
      ASKED.replace("}", ', "tool_calls": [], "name": null}'),
    ),
  ];
}

/** Indices of the spellings whose arguments are JSON text. */
const WITH_TEXT = [2, 3, 5, 6];

async function sources(lines: readonly string[]): Promise<SourceRow[]> {
  using file = dataFile(lines.join("\n"), "a.jsonl");
  return await readRows(file.path);
}

const leftOut = new LeftOutFinder();

function encode(source: SourceRow, tokenizer: Tokenizer) {
  const { prompt, completions } = encodeRow(
    recogniseFormat(source).parse(source),
    tokenizer,
    { leftOut },
  );
  return { prompt, completions };
}

/** A row as Arrow has it: `null` in each key that some other row has. */
function asArrow({ location, fields }: SourceRow): SourceRow {
  const filled = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(filled);
    if (!isObject(value) || value instanceof Number) return value;
    const entries = Object.entries(value)
      .map(([key, item]) => [key, filled(item)]);
    return { ...Object.fromEntries(entries), other: null };
  };
  const messages = Object.entries(fields)
    .map(([column, value]) => [column, filled(value)]);
  return { location, fields: Object.fromEntries(messages), arrow: true };
}

for (const model of CALLING) {
  Deno.test(`calls give the same tokens, however they are written: ${model}`, async () => {
    const tokenizer = await fixtureTokenizer(model);
    const rng = new Rng(model);
    for (let i = 0; i < 5; i++) {
      const given = randomObject(rng, 2);
      const [first, ...others] = await sources(spellings(given));
      const expected = encode(first!, tokenizer);
      const text = tokenizer.decode(expected.completions[0]!);
      ok(text.includes(given.python), `${text} has ${given.python}`);
      // Arrow has no way to tell a null of its own from one of the row.
      const arrow = given.python.includes("null") ? [] : [asArrow(first!)];
      for (const [k, other] of [...others, ...arrow].entries()) {
        deepStrictEqual(encode(other, tokenizer), expected, `${k} ${text}`);
      }
    }
  });
}

Deno.test("numbers that lose digits are refused where the template writes numbers", async () => {
  for (const model of CALLING) {
    const tokenizer = await fixtureTokenizer(model);
    for (const n of ["10000000000000001", "-9007199254740993"]) {
      const given = `{"n": [${n}]}`;
      const rows = await sources(spellings({ json: given, python: given }));
      for (const [k, row] of rows.entries()) {
        const text = model === "qwen_3" && WITH_TEXT.includes(k);
        if (text) {
          const [chosen] = encode(row, tokenizer).completions;
          ok(tokenizer.decode(chosen!).includes(`"arguments": ${given}}`));
        } else {
          throws(() => encode(row, tokenizer), {
            message: /cannot tell the digits of a number as large as -?\d+$/,
          });
        }
      }
    }
  }
});

/** A template that writes arguments as the text that they are. */
const WRITES_TEXT = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}" +
  "{% for c in m.tool_calls %}{{ c.function.name + c.function.arguments }}" +
  "{% endfor %}{{ eos_token }}{% endfor %}" +
  "{% if add_generation_prompt %}<|assistant|>{% endif %}";

Deno.test("numbers keep their text where the template writes that of arguments", async () => {
  using folder = temporaryFolder();
  const config = Object.fromEntries([["chat_template", WRITES_TEXT]]);
  await writeByteTokenizer(folder.path, { config });
  const tokenizer = (await loadTokenizer(folder.path))!;
  const textOf = (source: SourceRow) =>
    tokenizer.decode(encode(source, tokenizer).completions[0]!);
  const rng = new Rng("text");
  for (let i = 0; i < 10; i++) {
    const { json, python } = randomObject(rng, 2);
    const [object, text] = await sources([
      lineOf(wrapped(json)),
      lineOf(wrapped(JSON.stringify(json))),
    ]);
    strictEqual(textOf(object!), `f${python}</s>`);
    strictEqual(textOf(text!), `f${json}</s>`);
  }
  const large = '{"n": 10000000000000001}';
  const [object, text] = await sources([
    lineOf(wrapped(large)),
    lineOf(wrapped(JSON.stringify(large))),
  ]);
  strictEqual(textOf(text!), `f${large}</s>`);
  throws(() => textOf(object!), {
    message: /cannot tell the digits of a number as large as/,
  });
});
