import { doesNotThrow, throws } from "node:assert/strict";
import { checkTokenizer } from "lib/data/tokenizer/check_tokenizer.ts";

const file = (vocab: unknown, added: unknown) =>
  Object.fromEntries([["model", { vocab }], ["added_tokens", added]]);

Deno.test("ids that no vocabulary has are refused with their token", () => {
  doesNotThrow(() => checkTokenizer(file({ a: 0 }, [{ id: 9, content: "b" }])));
  doesNotThrow(() => checkTokenizer(file([["a", -1.5]], null)));
  for (const id of [1e9, -1, 0.5, "1", null]) {
    throws(
      () => checkTokenizer(file({ a: id }, [])),
      /model.vocab has token "a" with id .*, expected a whole number from 0/,
    );
    throws(
      () => checkTokenizer(file({}, [{ id, content: "b" }])),
      /added_tokens has "b" with id/,
    );
  }
  throws(() => checkTokenizer(file({}, [{ id: 1 }])), /without content/);
  throws(() => checkTokenizer(file({}, {})), /added_tokens is not a list/);
});

Deno.test("a regular expression that may hardly end is refused", () => {
  const pattern = Object.fromEntries([["Regex", "(a+)+$"]]);
  const step = { type: "Split", pattern };
  const json = Object.fromEntries([
    ["pre_tokenizer", { type: "Sequence", pretokenizers: [step] }],
  ]);
  throws(() => checkTokenizer(json), /expression "\(a\+\)\+\$", expected none/);
});
