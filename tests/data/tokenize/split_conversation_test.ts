import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { TokenTexts } from "lib/data/tokenizer/added_tokens.ts";
import { chatTemplate } from "lib/data/tokenizer/chat_template.ts";
import {
  BoundaryError,
  type Score,
  SCORES,
  splitConversation,
} from "lib/data/tokenize/split_conversation.ts";
import { encodeRow } from "lib/data/tokenize/encode_row.ts";
import type { Message } from "lib/data/messages.ts";
import type { Tokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { Rng } from "lib/rng.ts";
import { fixtureTokenizer, MODELS } from "../fixture_models.ts";

const CHATML =
  "{% for m in messages %}<{{ m.role }}>{{ m.content }}<end>\n{% endfor %}" +
  "{% if add_generation_prompt %}<assistant>{% endif %}";
const turns = (text: string): Message[] =>
  text.split(" ").map((word) => ({
    role: { s: "system", u: "user", t: "tool" }[word[0]!] ?? "assistant",
    content: word,
  }));

const TOKENS = new TokenTexts([{ id: 0, content: "<eos>", special: true }]);

/** Marks scored parts with a star, for a template of plain text. */
function cut(
  source: string,
  { prompt, completions, score = "completion", shift = false }: {
    prompt: string;
    completions: string[];
    score?: Score;
    shift?: boolean;
  },
) {
  const { render } = chatTemplate(source, {});
  const parts = splitConversation(turns(prompt), completions.map(turns), {
    render: (turns, addGenerationPrompt) =>
      render(turns, { addGenerationPrompt }),
    outside: (text, at) => TOKENS.outside(text, at),
    isBlank: (text) => TOKENS.isBlank(text),
    score,
    shift,
  });
  return {
    prompt: parts.prompt,
    completions: parts.completions.map((list) =>
      list.map(({ text, scored }) => scored ? `*${text}` : text)
    ),
  };
}

Deno.test("an answer is what follows the prompt with its generation prompt", () => {
  deepStrictEqual(cut(CHATML, { prompt: "u1", completions: ["a1", "a2"] }), {
    prompt: "<user>u1<end>\n<assistant>",
    completions: [["*a1<end>\n"], ["*a2<end>\n"]],
  });
});

const LONG = { prompt: "u1 a1 u2", completions: ["a2 t3 u4 a3"] };

Deno.test("of a completion of several turns the assistant's are scored", () => {
  deepStrictEqual(cut(CHATML, LONG), {
    prompt: "<user>u1<end>\n<assistant>a1<end>\n<user>u2<end>\n<assistant>",
    completions: [[
      "*a2<end>\n",
      "<tool>t3<end>\n<user>u4<end>\n<assistant>",
      "*a3<end>\n",
    ]],
  });
});

Deno.test("of a conversation the last answer alone can be scored", () => {
  deepStrictEqual(cut(CHATML, { ...LONG, score: "last" }).completions, [[
    "a2<end>\n<tool>t3<end>\n<user>u4<end>\n<assistant>",
    "*a3<end>\n",
  ]]);
});

Deno.test("of a conversation all answers can be scored, the prompt's too", () => {
  deepStrictEqual(cut(CHATML, { ...LONG, score: "all-turns" }), {
    prompt: "<user>u1<end>\n<assistant>",
    completions: [[
      "*a1<end>\n",
      "<user>u2<end>\n<assistant>",
      "*a2<end>\n",
      "<tool>t3<end>\n<user>u4<end>\n<assistant>",
      "*a3<end>\n",
    ]],
  });
});

Deno.test("what ends the whole conversation is no part of an answer within", () => {
  const closing = CHATML + "{% if not add_generation_prompt %}<eos>{% endif %}";
  deepStrictEqual(
    cut(closing, { prompt: "u1", completions: ["a1 u2 a2"] }).completions,
    [["*a1<end>\n", "<user>u2<end>\n<assistant>", "*a2<end>\n<eos>"]],
  );
});

Deno.test("a template without a generation prompt has what opens an answer scored", () => {
  const bare = CHATML.split("{% if")[0]!;
  deepStrictEqual(cut(bare, { prompt: "u1", completions: ["a1"] }), {
    prompt: "<user>u1<end>\n",
    completions: [["*<assistant>a1<end>\n"]],
  });
});

/** What a template does, its source, the conversation, and the message. */
const REWRITTEN: [string, string, typeof LONG, string][] = [
  [
    "leaves earlier turns out",
    "{% for m in messages[-2:] %}<{{ m.role }}>{{ m.content }}{% endfor %}",
    { prompt: "u1 a1 u2", completions: ["a2"] },
    "writes the turns before an answer differently once it follows: " +
    '"assistant>a1<user>u2" becomes "user>u2<assistant>a2"',
  ],
  [
    "thinks before the last answer alone",
    "{% for m in messages %}<{{ m.role }}>{% if loop.last %}...{% endif %}{{ m.content }}{% endfor %}" +
    "{% if add_generation_prompt %}<assistant>{% endif %}",
    { prompt: "u1", completions: ["a1"] },
    "writes the turns before an answer differently once it follows: " +
    '"...u1<assistant>" becomes "u1<assistant>...a1"',
  ],
  [
    "begins a thought that no answer has",
    CHATML.replace("<assistant>{%", "<assistant><think>{%"),
    { prompt: "u1", completions: ["a1"] },
    "begins an answer differently than its generation prompt does: " +
    '"<think>" becomes "a1<end>\\n"',
  ],
  [
    "writes the last answer at more length",
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% if loop.last and m.role == 'assistant' %}!{% endif %}{% endfor %}" +
    "{% if add_generation_prompt %}<assistant>{% endif %}",
    { prompt: "u1", completions: ["a1 u2 a2"] },
    "writes an answer differently once more turns follow: " +
    '"!" becomes "<user>u2<assistant>a2!"',
  ],
];

for (const [name, source, row, found] of REWRITTEN) {
  Deno.test(`a template that ${name} is refused by name`, () => {
    throws(() => cut(source, row), (error) => {
      ok(error instanceof BoundaryError);
      strictEqual(error.reason, "rewritten");
      strictEqual(error.message, `the chat template ${found}`);
      return true;
    });
  });
}

Deno.test("a prompt that may shift ends where its generation prompt departs from answers", () => {
  const source = CHATML.replace("<assistant>{%", "<assistant><think>{%");
  const row = { prompt: "u1", completions: ["a1", "<th"], shift: true };
  deepStrictEqual(cut(source, row), {
    prompt: "<user>u1<end>\n<assistant>",
    completions: [["*a1<end>\n"], ["*<th<end>\n"]],
  });
});

/** Turns whose contents tell whose they are, with what tokenizers stumble on. */
function randomConversation(rng: Rng, exchanges: number): Message[] {
  const odd = [
    "",
    " ",
    "  ",
    "\n",
    "\n\n",
    "é",
    "日本",
    "🙂",
    "<|im_end|>",
    "</s>",
    "'s",
    "12",
    "▁",
    "<|user|>",
  ];
  const pick = () => odd[rng.integer(odd.length)]!;
  const content = (name: string) => {
    const around = () => `${pick()}${pick()}`;
    return `${around()}${name}${around()}x${around()}${name}${around()}`;
  };
  return Array.from({ length: exchanges }, (_, i) => [
    { role: "user", content: content(`ask${i}q`) },
    { role: "assistant", content: content(`say${i}q`) },
  ]).flat();
}

for (const model of MODELS) {
  Deno.test(`marks of ${model} cover what the assistant says and nothing else`, async () => {
    const tokenizer = await fixtureTokenizer(model);
    const rng = new Rng(model);
    let checked = 0;
    for (let i = 0; i < 60; i++) {
      const exchanges = 1 + rng.integer(4);
      const all = randomConversation(rng, exchanges);
      const turns = 1 + 2 * rng.integer(exchanges);
      const score = SCORES[i % SCORES.length]!;
      checked += Number(checkRow(tokenizer, { all, turns, score }));
    }
    ok(checked >= 20, `${checked} rows`);
  });
}

/** @returns whether the template allows the row. */
function checkRow(
  tokenizer: Tokenizer,
  { all, turns, score }: { all: Message[]; turns: number; score: Score },
): boolean {
  const prompt = all.slice(0, turns);
  const answer = all.slice(turns);
  const row = {
    location: "random",
    form: "chat" as const,
    prompt,
    completions: [answer],
  };
  let encoded: ReturnType<typeof encodeRow>;
  try {
    encoded = encodeRow(row, tokenizer, { score });
  } catch (error) {
    ok((error as Error).cause instanceof BoundaryError, String(error));
    return false;
  }
  const { completions: [ids], lossMask: [marks] = [] } = encoded;
  const said = ids!.filter((_, i) => marks?.[i] ?? true);
  const others = [
    ...encoded.prompt,
    ...ids!.filter((_, i) => !(marks?.[i] ?? true)),
  ];
  const names = (text: string) => text.match(/(?:ask|say)\dq/g) ?? [];
  const answers = all.flatMap(({ role, content }, i) => {
    const isScored = role === "assistant" &&
      (score === "last"
        ? i === all.length - 1
        : score === "all-turns" || i >= turns);
    return isScored ? names(content) : [];
  });
  deepStrictEqual(names(tokenizer.decode(said)), answers);
  const rest = all.flatMap(({ content }) => names(content))
    .filter((name) => !answers.includes(name));
  deepStrictEqual(names(tokenizer.decode(others)), rest);
  return true;
}

for (const model of MODELS) {
  Deno.test(`the parts of ${model}'s conversations are, one after another, its text`, async () => {
    const { chatTemplate, tokenTexts } = await fixtureTokenizer(model);
    const rng = new Rng(model);
    const render = (turns: readonly Message[], addGenerationPrompt: boolean) =>
      chatTemplate!.render(turns, { addGenerationPrompt });
    for (let i = 0; i < 40; i++) {
      const all = randomConversation(rng, 1 + rng.integer(4));
      const turns = 1 + 2 * rng.integer(all.length / 2);
      try {
        const { prompt, completions: [parts] } = splitConversation(
          all.slice(0, turns),
          [all.slice(turns)],
          {
            render,
            outside: (text, at) => tokenTexts.outside(text, at),
            isBlank: (text) => tokenTexts.isBlank(text),
            score: SCORES[i % SCORES.length]!,
            shift: false,
          },
        );
        const text = [prompt, ...parts!.map(({ text }) => text)].join("");
        strictEqual(text, render(all, false));
      } catch (error) {
        ok(error instanceof BoundaryError, String(error));
      }
    }
  });
}
