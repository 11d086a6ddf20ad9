import { deepStrictEqual, ok } from "node:assert/strict";
import { recogniseFormat } from "lib/data/formats/registry.ts";
import type { PreferenceRow } from "lib/data/preference_row.ts";
import { encodeRow } from "lib/data/tokenize/encode_row.ts";
import { LeftOutFinder } from "lib/data/tokenize/left_out.ts";
import { BoundaryError } from "lib/data/tokenize/split_conversation.ts";
import type { Tokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { Rng } from "lib/rng.ts";
import { fixtureTokenizer, MODELS } from "../fixture_models.ts";
import {
  ALLOWED,
  randomConversations,
  type Word,
} from "./random_conversations.ts";

const ROWS = 300;

for (const model of MODELS) {
  Deno.test(`all that rows say is in the text of ${model}, or counted as left out`, async () => {
    const tokenizer = await fixtureTokenizer(model);
    const leftOut = new LeftOutFinder();
    const rng = new Rng(model);
    let encoded = 0;
    for (let i = 0; i < ROWS; i++) {
      const { fields, words } = randomConversations(rng);
      const source = { location: `row ${i}`, fields };
      const row = recogniseFormat(source).parse(source);
      encoded += Number(checkRow(row, { words, tokenizer, leftOut }));
    }
    ok(encoded >= ROWS * ALLOWED[model], `${encoded} rows`);
  });
}

/** @returns whether the template allows the row. */
function checkRow(
  row: PreferenceRow,
  { words, tokenizer, leftOut }: {
    words: readonly Word[];
    tokenizer: Tokenizer;
    leftOut: LeftOutFinder;
  },
): boolean {
  let found: ReturnType<typeof encodeRow>;
  try {
    found = encodeRow(row, tokenizer, { leftOut, boundary: "shift" });
  } catch (error) {
    const { cause, message } = error as Error;
    ok(
      cause instanceof BoundaryError ||
        /Cannot render|leaves out all/.test(message),
      message,
    );
    return false;
  }
  const texts = found.completions.map((ids) =>
    tokenizer.decode([...found.prompt, ...ids])
  );
  const missing = words.filter(({ text, completion }) =>
    completion === null
      ? texts.some((each) => !each.includes(text))
      : !texts[completion]!.includes(text)
  );
  const parts = new Set(missing.map(({ part }) => part));
  const given = JSON.stringify({ row, texts, missing });
  deepStrictEqual([...found.leftOut ?? []].sort(), [...parts].sort(), given);
  return true;
}
