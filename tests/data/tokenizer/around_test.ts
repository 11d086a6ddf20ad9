import { deepEqual, rejects, throws } from "node:assert/strict";
import { join } from "node:path";
import { loadTokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { bytes, writeByteTokenizer } from "../byte_tokenizer.ts";
import { temporaryFolder } from "../../temporary_folder.ts";

/** A byte-level tokenizer with such a post-processor, of `<s>` 0 and `</s>` 1. */
async function tokenizerWith(postProcessor: unknown) {
  using folder = temporaryFolder();
  await writeByteTokenizer(folder.path);
  const path = join(folder.path, "tokenizer.json");
  const json = JSON.parse(await Deno.readTextFile(path));
  const changed = { ...json, ["post_processor"]: postProcessor };
  await Deno.writeTextFile(path, JSON.stringify(changed));
  return (await loadTokenizer(folder.path))!;
}

const ENDS = { cls: ["<s>", 0], sep: ["</s>", 1] };
const BYTES = { type: "ByteLevel", "trim_offsets": true };
const [AB, C] = [bytes("ab"), bytes("c")];

Deno.test("a pair has the special tokens and segments of its post-processor", async () => {
  const cases = [
    [{ type: "BertProcessing", ...ENDS }, [0, ...AB, 1, ...C, 1], "000011"],
    [
      { type: "RobertaProcessing", ...ENDS, "trim_offsets": true },
      [0, ...AB, 1, 1, ...C, 1],
      "0000000",
    ],
    [null, [...AB, ...C], "001"],
    [BYTES, [...AB, ...C], "001"],
    [
      {
        type: "Sequence",
        processors: [BYTES, { type: "BertProcessing", ...ENDS }],
      },
      [0, ...AB, 1, ...C, 1],
      "000011",
    ],
  ] as const;
  for (const [processor, ids, segments] of cases) {
    const tokenizer = await tokenizerWith(processor);
    const pair = tokenizer.encodePair("ab", "c");
    deepEqual(pair, {
      ...{ ids, segments: [...segments].map(Number), isCut: false },
    });
  }
});

Deno.test("a text alone keeps what is around it", async () => {
  const { prefix, encode } = await tokenizerWith({
    ...{ type: "RobertaProcessing", ...ENDS },
  });
  deepEqual(prefix, [0]);
  deepEqual(encode("ab"), [0, ...AB, 1]);
});

Deno.test("of a pair that is too long the first text loses its start", async () => {
  const tokenizer = await tokenizerWith({ type: "BertProcessing", ...ENDS });
  const cut = tokenizer.encodePair("zzab", "c", { maxLength: 6 });
  deepEqual(cut, {
    ids: [0, ...AB, 1, ...C, 1],
    segments: [0, 0, 0, 0, 1, 1],
    isCut: true,
  });
  const bare = tokenizer.encodePair("zzab", "c", { maxLength: 4 });
  deepEqual(bare.ids, [0, 1, ...C, 1]);
  throws(() => tokenizer.encodePair("ab", "cc", { maxLength: 4 }), {
    message:
      "Cannot encode a pair: its second text has 2 tokens, expected at most 1",
  });
});

Deno.test("a post-processor that names no token or leaves a text out is refused", async () => {
  const single = [{ Sequence: { id: "A", type_id: 0 } }];
  const template = { type: "TemplateProcessing", single, pair: single };
  const tokenizer = await tokenizerWith(template);
  deepEqual(tokenizer.encode("ab"), AB);
  throws(() => tokenizer.encodePair("ab", "c"), {
    message: "post_processor leaves out text 2 of 2",
  });
  await rejects(tokenizerWith({ ...template, single: [] }), {
    message: /tokenizer\.json: post_processor leaves out text 1 of 1/,
  });
  await rejects(
    tokenizerWith({ type: "BertProcessing", ...ENDS, cls: ["[CLS]", 9] }),
    { message: /post_processor has "\[CLS\]", no token/ },
  );
});
