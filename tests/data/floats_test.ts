import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { readRows } from "lib/data/containers/read_rows.ts";
import { parseWithFloats, stringifyWithFloats } from "lib/data/floats.ts";
import { readMessages } from "lib/data/messages.ts";
import { chatTemplate } from "lib/data/tokenizer/chat_template.ts";
import { runScript } from "../scripts/run_script.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const CALL = '{"name": "f", "arguments": ' +
  '{"x": 1.0, "y": [1e2, -0.0], "z": 2, "s": "1.0", "d": {"h": 0.5}}}';
const AS_PYTHON = '{"x": 1.0, "y": [100.0, -0.0], "z": 2, "s": "1.0", ' +
  '"d": {"h": 0.5}}';
const TEMPLATE = chatTemplate(
  "{% for m in messages %}{% for c in m.tool_calls %}" +
    "{{ (c.function or c).arguments | tojson }}{{ (c.function or c).arguments.x }}" +
    "{% endfor %}{% endfor %}{{ tools | tojson }}",
  {},
);

Deno.test("floats in the arguments and definitions of tools stay floats in templates", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/rows.jsonl`;
  const tools = '[{"name": "f", "parameters": {"minimum": 0.0, "maximum": 9}}]';
  const calls = [
    CALL,
    `{"function": ${CALL}}`,
    `{"function": {"name": "f", "arguments": ${JSON.stringify(AS_PYTHON)}}}`,
  ];
  const rows = calls.map((call) =>
    `{"messages": [{"role": "assistant", "content": "", "tool_calls": [${call}]}], ` +
    `"tools": ${tools}, "score": 2.0, "prompt_ids": [1.0, 2]}`
  );
  await Deno.writeTextFile(path, rows.join("\n"));
  for (const row of await readRows(path)) {
    const { tools, score, "prompt_ids": ids } = row.fields;
    strictEqual(score, 2);
    deepStrictEqual(ids, [1, 2]);
    const text = TEMPLATE.render(readMessages(row, "messages"), {
      tools: tools as unknown[],
      addGenerationPrompt: false,
    });
    strictEqual(
      text,
      `${AS_PYTHON}1.0` +
        '[{"name": "f", "parameters": {"minimum": 0.0, "maximum": 9}}]',
    );
  }
});

Deno.test("JSON with floats is written and compared as JSON without", () => {
  const read = parseWithFloats(
    '{"arguments": {"x": 1.0}, "n": [1.0, 1e3, 2E+0]}',
  );
  strictEqual(JSON.stringify(read), '{"arguments":{"x":1},"n":[1,1000,2]}');
  strictEqual(
    stringifyWithFloats(parseWithFloats("[1.0,-0.0,1e3,1e22,2,0.5]", true)),
    "[1.0,-0.0,1000.0,1e+22,2,0.5]",
  );
  deepStrictEqual(parseWithFloats("[1.0, 1.5]"), [1, 1.5]);
  deepStrictEqual(parseWithFloats("[1.0]", true), [Object(1)]);
});

Deno.test("data with floats in calls of tools is converted and keeps them", async () => {
  using folder = temporaryFolder();
  const [from, to] = [`${folder.path}/from.jsonl`, `${folder.path}/to.jsonl`];
  const call = `{"role": "assistant", "content": "", "tool_calls": [${CALL}]}`;
  await Deno.writeTextFile(
    from,
    `{"prompt": [{"role": "user", "content": "hi"}, ${call}], ` +
      '"chosen": [{"role": "assistant", "content": "a"}], ' +
      '"rejected": [{"role": "assistant", "content": "b"}]}',
  );
  const args = ["convert", from, "--to", "trl", "--out", to];
  const { code, err } = await runScript("data", args);
  strictEqual(code, 0, err);
  const written = await Deno.readTextFile(to);
  strictEqual(written.includes('"x":1.0,"y":[100.0,-0.0],"z":2'), true);
});
