import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { encodeRow } from "lib/data/tokenize/encode_row.ts";
import { loadTokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { shared } from "../places.ts";
import { readAll } from "./format_cases.ts";
import {
  CONVERSATIONS,
  fixtureTokenizer,
  type Model,
  MODELS,
  readFixture,
  type Rendering,
  renderings,
} from "./fixture_models.ts";
import { smolLm2Test } from "../smollm2.ts";

/** What templates that write their JSON cannot be given, as reading lost it. */
const LOST = new Map([
  ["numbers in arguments", /cannot tell the digits of a number/],
  ["keys of arguments that are numbers", /cannot tell the order of an object/],
]);

/** Answers with thoughts. */
const THOUGHTFUL = [
  "thinking in the last answer",
  "thinking in its own field",
  "thinking opened, closed or twice",
];

/**
 * Whether a template takes back what it wrote of a prompt: Mistral's leaves
 * the system turn out unless the user speaks last, and Qwen's generation
 * prompt, told not to think, is not how thoughts begin.
 */
function isRewritten(
  model: Model,
  { conversation, variables }: Rendering,
): boolean {
  const { messages } = conversations.get(conversation)!;
  if (model === "mistral_v0_3") {
    return messages[0]!.role === "system" && messages.at(-2)!.role === "user";
  }
  return model === "qwen_3" && variables?.["enable_thinking"] === false &&
    THOUGHTFUL.includes(conversation);
}

/** Whether a template leaves out an answer that has an empty list of calls. */
function isVanished(model: Model, { conversation }: Rendering): boolean {
  return model === "mistral_v0_3" && conversation === "an empty list of calls";
}

const conversations = new Map(CONVERSATIONS.map((each) => [each.name, each]));
const bare = { addSpecialTokens: false };

const hash = (text: string) =>
  createHash("sha256").update(text).digest("hex").slice(0, 16);
const described = (ids: readonly number[], { ids: wanted }: Rendering) =>
  typeof wanted === "string" ? hash(ids.join(",")) : ids;

function inputsOf({ conversation, variables = {} }: Rendering) {
  const { messages, tools } = conversations.get(conversation)!;
  // What templates.py has for the present.
  const now = new Date(2025, 2, 5);
  return { messages, tools, templateOptions: variables, now };
}

for (const model of MODELS) {
  Deno.test(`the template of ${model} writes what Python's does, to the token`, async () => {
    const tokenizer = await fixtureTokenizer(model);
    let same = 0;
    for (const rendering of renderings(model)) {
      const { messages, ...inputs } = inputsOf(rendering);
      const options = { ...inputs, addGenerationPrompt: rendering.prompt };
      const write = () => tokenizer.chatTemplate!.render(messages, options);
      const what = `${rendering.conversation}, ${JSON.stringify(options)}`;
      if (rendering.error) {
        throws(write, Error, what);
        continue;
      }
      const lost = LOST.get(rendering.conversation);
      let text: string;
      try {
        text = write();
      } catch (error) {
        ok(lost?.test(String(error)), `${what}: ${error}`);
        continue;
      }
      strictEqual(hash(text), rendering.sha256, what);
      strictEqual(text, rendering.text ?? text);
      const ids = tokenizer.encode(text, bare);
      deepStrictEqual(described(ids, rendering), rendering.ids, what);
      same++;
    }
    ok(same >= 50, `${same} renderings are the same`);
  });

  Deno.test(`prompt and answer of ${model} have the ids of the whole in Python`, async () => {
    const tokenizer = await fixtureTokenizer(model);
    let same = 0;
    for (const rendering of renderings(model)) {
      const { messages, ...inputs } = inputsOf(rendering);
      const last = messages.at(-1)!;
      const isAnswer = last.role === "assistant" && messages.length > 1;
      const unusable = rendering.prompt || rendering.error !== undefined ||
        LOST.has(rendering.conversation) || !isAnswer;
      if (unusable || last.content === "" || last.content === null) continue;
      const encode = () =>
        encodeRow(
          {
            location: rendering.conversation,
            form: "chat",
            prompt: messages.slice(0, -1),
            completions: [[last]],
            ...inputs.tools && { tools: inputs.tools },
          },
          tokenizer,
          { ...inputs, specials: "token" },
        );
      if (isRewritten(model, rendering)) {
        throws(encode, /the chat template (begins|writes)/);
        continue;
      }
      if (isVanished(model, rendering)) {
        throws(encode, /leaves out all that completion 1 says/);
        continue;
      }
      const row = encode();
      if (row.boundaryShifted) continue;
      const ids = [...row.prompt, ...row.completions.flat()];
      const what = rendering.conversation;
      deepStrictEqual(described(ids, rendering), rendering.ids, what);
      strictEqual(row.lossMask, undefined);
      same++;
    }
    ok(same >= 15, `${same} rows are the same`);
  });
}

const LENGTHS = JSON.parse(readFixture("lengths.json"));
const DATA = shared("data/llamafactory");
const suffix = existsSync(DATA) ? "" : " (needs ../shared)";

for (
  const [file, { rows: expected }] of Object.entries<
    { rows: Record<string, string>[] }
  >(LENGTHS.files)
) {
  const name = `every row of ${file} has Python's ids with SmolLM2${suffix}`;
  smolLm2Test(name, async (folder) => {
    const tokenizer = await loadTokenizer(folder);
    const { rows } = await readAll(`${DATA}/${file}`);
    const describe = (ids: readonly number[]) =>
      `${ids.length} ${hash(ids.join(","))}`;
    deepStrictEqual(
      rows.map((row) => {
        const { prompt, completions } = encodeRow(row, tokenizer);
        return [prompt, ...completions].map(describe);
      }),
      expected.map((row) => Object.values(row)),
    );
  }, { ignore: suffix !== "" });
}
