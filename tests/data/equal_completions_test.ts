import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { DataChecks } from "lib/data/analyse/checks.ts";
import { hasEqualCompletions } from "lib/data/example.ts";
import { loadExamples } from "lib/data/load.ts";
import { openRows } from "lib/data/open_rows.ts";
import { encodeRow } from "lib/data/tokenize/encode_row.ts";
import type { TokenizeOptions } from "lib/data/tokenize/tokenize.ts";
import { loadTokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { Rng } from "lib/rng.ts";
import { withByteTokenizer } from "./byte_tokenizer.ts";
import { fixtureTokenizer, MODELS } from "./fixture_models.ts";
import { assistant, type Fields, user } from "./format_cases.ts";

const QUESTION = "Which one?";
/** What the template below makes of a question and of an answer. */
const written = (answer: string) =>
  `${answer.split("</think>").at(-1)!.trim()}.`;
const PROMPT_TOKENS = 1 + QUESTION.length + 1 + 1;
const TEMPLATE =
  "{% for m in messages %}<|{{ m.role }}|>{{ m.content.split('</think>')[-1] | trim }}" +
  "{{ eos_token }}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";

const pick = <T>(rng: Rng, list: readonly T[]) =>
  list[rng.integer(list.length)]!;
const BLANKS = ["", " ", "\n", "\n\n "];

/** An answer that says the same as another one in one of several ways, or not. */
function variant(rng: Rng, answer: string): string {
  const kind = rng.integer(5);
  if (kind === 0) return pick(rng, BLANKS) + answer + pick(rng, BLANKS);
  if (kind === 1) return `<think>${pick(rng, ["a", "b"])}</think>${answer}`;
  if (kind === 2) return answer + pick(rng, [" no", " so", "!"]);
  if (kind === 3) return pick(rng, ["x", "y"]) + answer;
  return answer;
}

function randomAnswer(rng: Rng): string {
  const letters = () => pick(rng, ["a", "b", "c d", "e?"]);
  return Array.from({ length: 1 + rng.integer(12) }, letters).join("");
}

/** Counts of equal completions: of the record, and of `data check`. */
async function counted(rows: Fields[], options: TokenizeOptions) {
  const location = { name: "d.jsonl", rows };
  const { description, examples } = await loadExamples(location, {
    role: "train",
    ...options,
  });
  await using reader = await openRows(location);
  const checks = new DataChecks(reader, { tokenizing: options });
  for await (const row of reader.rows()) checks.add(row);
  const finding = checks.findings()
    .find(({ check }) => check === "completions of equal tokens");
  strictEqual(finding!.count, description.counts.equalCompletions ?? 0);
  strictEqual(finding!.verdict, finding!.count > 0 ? "wrong" : "ok");
  return examples.map(hasEqualCompletions);
}

/** Whether two texts of a list begin alike within so many characters. */
function alike(texts: readonly string[], room: number): boolean {
  const cut = texts.map((text) => text.slice(0, room));
  return new Set(cut).size < cut.length;
}

for (const room of [4, 9, 1000]) {
  Deno.test(`completions are equal where a template and ${room} tokens make them so, and nowhere else`, async () => {
    const rng = new Rng(room);
    const pairs = Array.from({ length: 100 }, () => {
      const first = randomAnswer(rng);
      return [first, variant(rng, first)];
    });
    const lists = pairs.map((texts) => [...texts, randomAnswer(rng)]);
    const config = Object.fromEntries([["chat_template", TEMPLATE]]);
    await withByteTokenizer({ config }, async (folder) => {
      const tokenizer = await loadTokenizer(folder);
      const options = {
        tokenizer,
        vocabularySize: tokenizer!.vocabularySize,
        maxLength: PROMPT_TOKENS + room,
      };
      const chats = await counted(
        pairs.map((texts) => {
          const [chosen, rejected] = texts.map((text) => [assistant(text)]);
          return { prompt: [user(QUESTION)], chosen, rejected };
        }),
        options,
      );
      const asWritten = pairs.map((texts) => alike(texts.map(written), room));
      deepStrictEqual(chats, asWritten);
      ok(chats.includes(true) && chats.includes(false));
      const ranked = await counted(
        lists.map((texts) => ({
          prompt: [user(QUESTION)],
          completions: texts.map((text) => [assistant(text)]),
        })),
        options,
      );
      deepStrictEqual(
        ranked,
        lists.map((texts) => alike(texts.map(written), room)),
      );
      // Text gets the tokenizer's two tokens, and is not trimmed.
      const texts = await counted(
        pairs.map(([chosen, rejected]) => ({
          prompt: QUESTION,
          chosen,
          rejected,
        })),
        { ...options, maxLength: 1 + QUESTION.length + room },
      );
      deepStrictEqual(
        texts,
        pairs.map((pair) => alike(pair.map((text) => `${text}\0`), room)),
      );
    });
  });
}

for (const model of MODELS) {
  Deno.test(`completions are equal where ${model}'s template writes them alike, and nowhere else`, async () => {
    const tokenizer = await fixtureTokenizer(model);
    const rng = new Rng(model);
    const prompt = [user(QUESTION)];
    for (let i = 0; i < 25; i++) {
      const first = randomAnswer(rng);
      const answers = [first, variant(rng, first)].map((text) => [
        assistant(text),
      ]);
      const row = {
        form: "chat",
        location: "a",
        prompt,
        completions: answers,
      } as const;
      const [a, b] = answers.map((answer) =>
        tokenizer.chatTemplate!.render([...prompt, ...answer], {
          addGenerationPrompt: false,
          now: new Date(0),
        })
      );
      const given = JSON.stringify(row);
      const encoded = encodeRow(row, tokenizer);
      strictEqual(hasEqualCompletions(encoded), a === b, given);
    }
  });
}
