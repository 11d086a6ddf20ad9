import { ok, strictEqual, throws } from "node:assert/strict";
import { peerTest, runPeer } from "../../peer_python.ts";
import {
  type Conversation,
  readFixture,
  type Rendering,
} from "../fixture_models.ts";
import { chatTemplate } from "lib/data/tokenizer/chat_template.ts";

const CHATML = `{{ bos_token }}{% for message in messages %}
    {{- '<|im_start|>' + message['role'] + '\\n' + message.content + eos_token + '\\n' -}}
{% endfor %}
{% if add_generation_prompt %}
{{ '<|im_start|>assistant\\n' }}
{%- endif %}`;
const TOKENS = Object.fromEntries([["bos_token", "<s>"], [
  "eos_token",
  "</s>",
]]);
const MESSAGES = [{ role: "user", content: "Hi\n" }, {
  role: "assistant",
  content: "Yes",
}];

Deno.test("chatTemplate() renders with special tokens and block trimming, as transformers does", () => {
  const { render } = chatTemplate(CHATML, TOKENS);
  const turns =
    "<s><|im_start|>user\nHi\n</s>\n<|im_start|>assistant\nYes</s>\n";
  strictEqual(render(MESSAGES, { addGenerationPrompt: false }), turns);
  strictEqual(
    render(MESSAGES, { addGenerationPrompt: true }),
    turns + "<|im_start|>assistant\n",
  );
});

Deno.test("chatTemplate() takes the default one of named templates", () => {
  const named = [
    { name: "tool_use", template: "tools" },
    { name: "default", template: "{{ messages[0].content }}" },
  ];
  const { render } = chatTemplate(named, TOKENS);
  strictEqual(render(MESSAGES, { addGenerationPrompt: false }), "Hi\n");
});

Deno.test("chatTemplate() takes the one named for tools where there are some", () => {
  const named = [
    { name: "tool_use", template: "{{ tools[0].name }}" },
    { name: "default", template: "{{ messages[0].content }}" },
  ];
  const options = { addGenerationPrompt: false };
  const { render } = chatTemplate(named, TOKENS);
  strictEqual(render(MESSAGES, { ...options, tools: [{ name: "t" }] }), "t");
  strictEqual(render(MESSAGES, { ...options, tools: undefined }), "Hi\n");
});

Deno.test("chatTemplate() gives templates documents, options and the time", () => {
  const source = "{{ documents[0].text }} {{ think }} {{ bos_token }} " +
    "{{ strftime_now('%d %b') }}";
  const { render } = chatTemplate(source, TOKENS);
  const text = render(MESSAGES, {
    addGenerationPrompt: false,
    documents: [{ text: "doc" }],
    templateOptions: Object.fromEntries([["think", 1], ["bos_token", "B"]]),
    now: new Date(2025, 2, 5),
  });
  strictEqual(text, "doc 1 B 05 Mar");
});

Deno.test("chatTemplate() leaves null fields out, and gives thoughts their usual names", () => {
  const source = "{% for m in messages %}{{ m.name is defined }} " +
    "{{ m.reasoning_content }} {{ m.thinking }};{% endfor %}";
  const turns = [
    { role: "user", content: "", name: null },
    { role: "assistant", content: "", reasoning: "r" },
    { role: "assistant", content: "", thinking: "t" },
  ];
  strictEqual(
    chatTemplate(source, {}).render(turns, { addGenerationPrompt: false })
      .replaceAll(" ;", ";").toLowerCase(),
    "false ;false r r;false t t;",
  );
});

Deno.test("chatTemplate() refuses rows for which no template is named", () => {
  const { render } = chatTemplate(
    [{ name: "tool_use", template: "x" }],
    TOKENS,
  );
  const options = { addGenerationPrompt: false };
  throws(() => render(MESSAGES, options), {
    message: "Cannot render the chat template: there is none named " +
      '"default", expected tool_use',
  });
  strictEqual(render(MESSAGES, { ...options, tools: [] }), "x");
});

Deno.test("chatTemplate() refuses what is neither text nor a list of names and texts", () => {
  for (const source of [{}, [], [{ name: "default" }], 1]) {
    throws(() => chatTemplate(source, TOKENS), {
      message: "Cannot use the chat template: expected its text, or a list " +
        "of names and texts",
    });
  }
});

Deno.test("chatTemplate() offers strftime_now, tools and documents", () => {
  const source =
    "{{ strftime_now('%Y') }} {{ tools is none }} {{ documents is none }}";
  const text = chatTemplate(source, {}).render([], {
    addGenerationPrompt: false,
  });
  strictEqual(text, `${new Date().getFullYear()} True True`);
});

Deno.test("chatTemplate() passes on what a template raises", () => {
  const source = "{{ raise_exception('Roles must alternate') }}";
  throws(
    () => chatTemplate(source, {}).render([], { addGenerationPrompt: false }),
    { message: "Cannot render the chat template: Roles must alternate" },
  );
});

Deno.test("chatTemplate() refuses what is not Jinja when it is used", () => {
  const { render } = chatTemplate("{% if %}", {});
  throws(() => render(MESSAGES, { addGenerationPrompt: false }), {
    message: /^Cannot render the chat template: /,
  });
});

/** A line of tests/fixtures/tokenization/peer_templates.py. */
interface PeerTemplate {
  name: string;
  source: string;
  rendered: { text?: string; error?: string }[];
}

const FILES = ["conversations.json", "edge_conversations.json"];
/** Conversations whose JSON loses what Python keeps: refused by name. */
const LOST = /cannot tell the (digits of a number|order of an object's keys)/;

peerTest(
  "chatTemplate() renders each of TRL's templates as transformers does",
  async () => {
    const folder = "tests/fixtures/tokenization/";
    const conversations: (Conversation & Pick<Rendering, "variables">)[] = FILES
      .flatMap((file) => JSON.parse(readFixture(file)));
    const printed = await runPeer(`${folder}peer_templates.py`, {
      args: FILES.map((file) => folder + file),
    });
    const templates: PeerTemplate[] = printed.trim().split("\n")
      .map((line) => JSON.parse(line));
    ok(templates.length >= 70);
    for (const { name, source, rendered } of templates) {
      const { render } = chatTemplate(source, PEER_TOKENS);
      rendered.forEach((expected, i) => {
        const conversation = conversations[i >> 1]!;
        const isLost = /numbers/.test(conversation.name);
        const written = renderedOr(() =>
          render(conversation.messages, {
            tools: conversation.tools,
            templateOptions: conversation.variables ?? {},
            addGenerationPrompt: i % 2 === 1,
            now: new Date(2025, 2, 5),
          })
        );
        if (isLost && LOST.test(written.error ?? "")) return;
        const said =
          `${name}, ${conversation.name}: ${written.error} | ${expected.error}`;
        strictEqual(written.text, expected.text, said);
      });
    }
  },
);

const PEER_TOKENS = Object.fromEntries([
  ["bos_token", "<s>"],
  ["eos_token", "</s>"],
  ["pad_token", "<pad>"],
  ["unk_token", "<unk>"],
]);

function renderedOr(render: () => string): { text?: string; error?: string } {
  try {
    return { text: render() };
  } catch (error) {
    return { error: (error as Error).message };
  }
}
