import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { controlRows, probesOf } from "experiments/comparison/probes.ts";
import { loadTokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { withByteTokenizer } from "../data/byte_tokenizer.ts";

const pair = (prompt: number, chosen: number[]) => ({
  prompt: [prompt],
  completions: [chosen, [9]],
});

const PAIRS = [
  pair(1, [11, 12, 13, 0]),
  pair(1, [14, 0]),
  pair(2, [21, 22, 0]),
  pair(3, [0]),
];

Deno.test("unrelated answers are chosen ones of other prompts, one a prompt", () => {
  for (const most of [1, 2, 3, 10]) {
    const { unrelated } = probesOf(PAIRS, most);
    equal(unrelated.length, Math.min(most, 3));
    for (const { prompt, completions } of unrelated) {
      equal(completions.length, 1);
      const owner = PAIRS.find(({ completions: [chosen] }) =>
        chosen === completions[0]
      );
      ok(owner && owner.prompt[0] !== prompt[0]);
    }
  }
});

Deno.test("repeated answers say the first half twice, and end as the answer does", () => {
  deepEqual(probesOf(PAIRS, 9).repeated, [
    { prompt: [1], completions: [[11, 12, 11, 12, 0]] },
    { prompt: [2], completions: [[21, 21, 0]] },
    { prompt: [3], completions: [[0]] },
  ]);
});

Deno.test("one prompt has no unrelated answers, and masked answers are not repeated", () => {
  const one = [{ ...PAIRS[0]!, lossMask: [[true, false, true, true], [true]] }];
  deepEqual(probesOf(one, 9), { unrelated: [], repeated: [] });
});

Deno.test("a control text becomes pieces that hold each of its tokens once", async () => {
  const text = "A text of some words. ".repeat(30);
  for (const bos of [true, false]) {
    await withByteTokenizer({ bos }, async (folder) => {
      const tokenizer = (await loadTokenizer(folder))!;
      const rows = controlRows(text, tokenizer);
      equal(rows.length, 3);
      const ids = tokenizer.encode(text, { addSpecialTokens: false });
      const scored = rows.flatMap(({ completions }) => completions.flat());
      deepEqual(scored, bos ? ids : ids.slice(1));
      throws(() => controlRows("", tokenizer), /found 0 tokens/);
    });
  }
  throws(() => controlRows(text, null), /found a model without a tokenizer/);
});
