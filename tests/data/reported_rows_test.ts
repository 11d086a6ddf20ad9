import { deepStrictEqual, rejects } from "node:assert/strict";
import { dirname, join } from "node:path";
import { findFormat } from "lib/data/formats/registry.ts";
import { writtenRow } from "lib/data/write/layout.ts";
import { llamafactoryLayout } from "lib/data/write/llamafactory.ts";
import type { PreferenceRow } from "lib/data/preference_row.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { readAll } from "./format_cases.ts";

/** Files that people reported, and the rows that are right. */
interface Report {
  readonly source: string;
  /** Text by path. */
  readonly files: Readonly<Record<string, string>>;
  /** Names of the data. @default the first file */
  readonly places?: readonly string[];
  /** Prompt, completions and label of each row. */
  readonly rows: readonly string[][];
}

const GITHUB = "https://github.com";
const HUB = "https://huggingface.co/datasets";

const READ: Readonly<Record<string, Report>> = {
  "lists that Python wrote into CSV": {
    source: `${GITHUB}/huggingface/datasets/issues/6364`,
    files: {
      "a.csv": `prompt,chosen,rejected
"[{'role': 'user', 'content': 'Name a tree.'}]","[{'role': 'assistant', 'content': ""Oak, it's old.""}]","[{'role': 'assistant', 'content': 'Nine.'}]"
`,
    },
    rows: [[
      "user: Name a tree.",
      "assistant: Oak, it's old.",
      "assistant: Nine.",
    ]],
  },
  "answers in CSV that are JSON themselves": {
    source: `${GITHUB}/confident-ai/deepeval/issues/3299`,
    files: {
      "a.csv": `prompt,chosen,rejected
Extract: Eve is 7,"{""name"": ""Eve""}","{""name"": ""Al""}"
`,
    },
    rows: [["Extract: Eve is 7", '{"name": "Eve"}', '{"name": "Al"}']],
  },
  "dialogues that repeat the prompt beside them": {
    source: `${GITHUB}/allenai/reward-bench/issues/140`,
    files: {
      "a.jsonl": String
        .raw`{"prompt": "\n\nHuman: Name a tree.\n\nAssistant:", "chosen": "\n\nHuman: Name a tree.\n\nAssistant: Oak.", "rejected": "\n\nHuman: Name a tree.\n\nAssistant: Nine."}`,
    },
    rows: [["user: Name a tree.", "assistant: Oak.", "assistant: Nine."]],
  },
  "a registry whose entry names no query, and its file alone": {
    source: `${GITHUB}/hiyouga/LlamaFactory/issues/4108`,
    files: {
      "mine.json":
        '[{"instruction": "Name a tree.", "chosen": "Oak.", "rejected": "Nine."}]',
      "dataset_info.json": `{"mine": {"file_name": "mine.json", "ranking": true,
        "columns": {"prompt": "instruction", "query": "", "chosen": "chosen", "rejected": "rejected"}}}`,
    },
    places: ["dataset_info.json:mine", "mine.json"],
    rows: [["user: Name a tree.", "assistant: Oak.", "assistant: Nine."]],
  },
  "rows beside the description that datasets saves": {
    source: `${GITHUB}/axolotl-ai-cloud/axolotl/issues/1430`,
    files: {
      "a/rows.jsonl":
        '{"prompt": "Name a tree.", "chosen": " Oak.", "rejected": " Nine."}',
      "a/dataset_info.json":
        '{"citation": "", "description": "", "features": {"prompt": {"dtype": "string", "_type": "Value"}}, "homepage": "", "license": ""}',
      "a/state.json": '{"_data_files": [{"filename": "data-0.arrow"}]}',
      "a/data-0.arrow": "",
    },
    places: ["a", "a/rows.jsonl"],
    rows: [["Name a tree.", " Oak.", " Nine."]],
  },
  "a registry of OpenAI's messages": {
    source: `${GITHUB}/hiyouga/LlamaFactory`,
    files: {
      "a.jsonl":
        '{"messages": [{"role": "user", "content": "Name a tree."}], "chosen": {"role": "assistant", "content": "Oak."}, "rejected": {"role": "assistant", "content": "Nine."}}',
      "dataset_info.json":
        `{"a": {"file_name": "a.jsonl", "formatting": "openai", "ranking": true,
        "columns": {"messages": "messages", "chosen": "chosen", "rejected": "rejected"},
        "tags": {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant", "system_tag": "system"}}}`,
    },
    places: ["dataset_info.json:a", "a.jsonl"],
    rows: [["user: Name a tree.", "assistant: Oak.", "assistant: Nine."]],
  },
  "ms-swift's messages with a rejected response": {
    source: `${GITHUB}/modelscope/ms-swift/issues/2968`,
    files: {
      "a.jsonl":
        '{"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Name a tree."}, {"role": "assistant", "content": "Oak."}], "rejected_response": "Nine."}',
    },
    rows: [[
      "system: Be kind. / user: Name a tree.",
      "assistant: Oak.",
      "assistant: Nine.",
    ]],
  },
  "axolotl's messages with two answers": {
    source: `${GITHUB}/axolotl-ai-cloud/axolotl/issues/2415`,
    files: {
      "a.jsonl":
        '{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}, {"role": "user", "content": "Name a tree."}], "chosen": {"role": "assistant", "content": "Oak."}, "rejected": {"role": "assistant", "content": "Nine."}}',
    },
    rows: [[
      "user: Hi / assistant: Yes? / user: Name a tree.",
      "assistant: Oak.",
      "assistant: Nine.",
    ]],
  },
  "a system message, a question and answers of text": {
    source: `${HUB}/Intel/orca_dpo_pairs`,
    files: {
      "a.jsonl":
        '{"system": "Be kind.", "question": "Name a tree.", "chosen": "Oak.", "rejected": "Nine."}',
    },
    rows: [[
      "system: Be kind. / user: Name a tree.",
      "assistant: Oak.",
      "assistant: Nine.",
    ]],
  },
  "a system message, a prompt and answers of text": {
    source: `${HUB}/jondurbin/truthy-dpo-v0.1`,
    files: {
      "a.jsonl":
        '{"id": "7", "system": "You are Sol.", "prompt": "Who are you?", "chosen": "Sol.", "rejected": "Max."}',
    },
    rows: [[
      "system: You are Sol. / user: Who are you?",
      "assistant: Sol.",
      "assistant: Max.",
    ]],
  },
  "two answers and the label of the better one": {
    source: `${HUB}/stanfordnlp/SHP`,
    files: {
      "a.jsonl":
        '{"history": "How do I boil an egg?", "score_A": 2, "score_B": 40, "human_ref_A": "Sing.", "human_ref_B": "In water.", "labels": 0}',
    },
    rows: [[
      "user: How do I boil an egg?",
      "assistant: In water.",
      "assistant: Sing.",
    ]],
  },
  "two answers and a strength above 0": {
    source: `${HUB}/nvidia/HelpSteer2`,
    files: {
      "a.jsonl":
        '{"prompt": "Name a tree.", "response_1": "Nine.", "response_2": "Oak.", "preference_strength": 1}',
    },
    rows: [["user: Name a tree.", "assistant: Oak.", "assistant: Nine."]],
  },
  "two answers and a preference below 0": {
    source: `${HUB}/nvidia/HelpSteer3`,
    files: {
      "a.jsonl":
        '{"context": [{"role": "user", "content": "Name a tree."}], "response1": "Oak.", "response2": "Nine.", "overall_preference": -1}',
    },
    rows: [["user: Name a tree.", "assistant: Oak.", "assistant: Nine."]],
  },
  "two conversations and the winning model": {
    source: `${HUB}/lmsys/chatbot_arena_conversations`,
    files: {
      "a.jsonl":
        '{"winner": "model_b", "conversation_a": [{"role": "user", "content": "Name a tree."}, {"role": "assistant", "content": "Nine."}], "conversation_b": [{"role": "user", "content": "Name a tree."}, {"role": "assistant", "content": "Oak."}]}',
    },
    rows: [["user: Name a tree.", "assistant: Oak.", "assistant: Nine."]],
  },
  "answers with their ranks": {
    source: `${HUB}/berkeley-nest/Nectar`,
    files: {
      "a.jsonl": String
        .raw`{"prompt": "\n\nHuman: Name a tree.\n\nAssistant: ", "answers": [{"answer": "Nine.", "rank": 3.0}, {"answer": "Oak.", "rank": 1.0}, {"answer": "A fir?", "rank": 2.0}]}`,
    },
    rows: [[
      "user: Name a tree.",
      "assistant: Oak.",
      "assistant: A fir?",
      "assistant: Nine.",
    ]],
  },
  "outputs of which the first is the best": {
    source: `${GITHUB}/hiyouga/LlamaFactory/issues/1913`,
    files: {
      "a.json":
        '[{"instruction": "Name a tree.", "input": "", "output": ["Oak.", "Nine."]}]',
    },
    rows: [["user: Name a tree.", "assistant: Oak.", "assistant: Nine."]],
  },
  "a score that is NaN": {
    source: `${GITHUB}/pandas-dev/pandas/issues/30716`,
    files: {
      "a.jsonl":
        '{"prompt": "a", "chosen": " b", "rejected": " c", "score_chosen": NaN, "score_rejected": 1.0}',
    },
    rows: [["a", " b", " c"]],
  },
  "labels that pandas made numbers with a point": {
    source: `${GITHUB}/huggingface/datasets/issues/6364`,
    files: {
      "a.csv": ",prompt,completion,label\n0,Hi, me,0.0\n1,Hi, you,1.0\n",
    },
    rows: [["Hi", " me", "false"], ["Hi", " you", "true"]],
  },
  "alpaca with a system message": {
    source: `${GITHUB}/modelscope/ms-swift/issues/6830`,
    files: {
      "a.json":
        '[{"id": "1", "system": "Be kind.", "instruction": "Name a tree.", "input": "", "chosen": "Oak.", "rejected": "Nine."}]',
    },
    rows: [[
      "system: Be kind. / user: Name a tree.",
      "assistant: Oak.",
      "assistant: Nine.",
    ]],
  },
  "conversations with ratings": {
    source: `${HUB}/argilla/dpo-mix-7k`,
    files: {
      "a.jsonl":
        '{"dataset": "x", "chosen": [{"role": "user", "content": "Name a tree."}, {"role": "assistant", "content": "Oak."}], "chosen_rating": 5.0, "rejected": [{"role": "user", "content": "Name a tree."}, {"role": "assistant", "content": "Nine."}], "rejected_rating": 2.0}',
    },
    rows: [["user: Name a tree.", "assistant: Oak.", "assistant: Nine."]],
  },
  "labelled messages": {
    source: `${HUB}/trl-lib/kto-mix-14k`,
    files: {
      "a.jsonl":
        '{"prompt": [{"role": "user", "content": "Name a tree."}], "completion": [{"role": "assistant", "content": "Nine."}], "label": false}',
    },
    rows: [["user: Name a tree.", "assistant: Nine.", "false"]],
  },
  "completions with their overall scores": {
    source: `${HUB}/openbmb/UltraFeedback`,
    files: {
      "a.jsonl":
        '{"instruction": "Name a tree.", "models": ["a", "b"], "completions": [{"response": "Nine.", "model": "a", "overall_score": 2.0, "fine-grained_score": 1.0}, {"response": "Oak.", "model": "b", "overall_score": 8.0, "fine-grained_score": 5.0}]}',
    },
    rows: [["user: Name a tree.", "assistant: Oak.", "assistant: Nine."]],
  },
  "earlier answers that differ in notes alone": {
    source: `${GITHUB}/huggingface/trl/issues/6472`,
    files: {
      "a.jsonl":
        '{"chosen": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?", "model": "a", "id": 1}, {"role": "user", "content": "Name a tree."}, {"role": "assistant", "content": "Oak."}], "rejected": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?", "model": "b", "id": 2}, {"role": "user", "content": "Name a tree."}, {"role": "assistant", "content": "Nine."}]}',
    },
    rows: [[
      "user: Hi / assistant: Yes? / user: Name a tree.",
      "assistant: Oak.",
      "assistant: Nine.",
    ]],
  },
  "separators of Unicode inside a line of JSON": {
    source: "own, after programs that split lines at them",
    files: {
      "a.jsonl":
        '{"prompt": "A\u2028B", "chosen": " c\u0085d", "rejected": " e\u2029"}',
    },
    rows: [["A\u2028B", " c\u0085d", " e\u2029"]],
  },
};

for (const [what, { source, files, places, rows }] of Object.entries(READ)) {
  Deno.test(`openRows() reads ${what} (${source})`, async () => {
    using folder = filesFolder(files);
    for (const place of places ?? Object.keys(files).slice(0, 1)) {
      const found = await readAll(folder.at(place));
      deepStrictEqual(found.rows.map(asText), rows);
    }
  });
}

/** Files that are refused, and the reason. */
const REFUSED: Readonly<
  Record<string, Omit<Report, "rows"> & { error: RegExp }>
> = {
  "steps of one solution as ranked answers": {
    source: `${HUB}/trl-lib/math_shepherd`,
    files: {
      "a.jsonl":
        '{"prompt": "Add 3 and 2.", "completions": ["3 + 2 = 5.", " So it is 6."], "labels": [true, false]}',
    },
    error:
      /a\.jsonl, line 1: "labels" judges each completion, so that their order need not, and format ranks does not read it/,
  },
  "pictures as text": {
    source: `${GITHUB}/NiuTrans/Vision-LLM-Alignment/issues/4`,
    files: {
      "a.json":
        '[{"conversations": [{"from": "human", "value": "<image>What tree?"}], "chosen": {"from": "gpt", "value": "Oak."}, "rejected": {"from": "gpt", "value": "Fir."}, "images": ["1.jpg"]}]',
    },
    error:
      /a\.json, row 1: "images" belongs to what is asked, expected columns of text/,
  },
  "a history that nobody reads": {
    source: `${GITHUB}/modelscope/ms-swift/issues/7184`,
    files: {
      "a.jsonl":
        '{"history": [["Hi", "Yes?"]], "prompt": "And now?", "chosen": " Bye.", "rejected": " No."}',
    },
    error:
      /"history" may belong to the prompt, and format trl-pairs does not read it/,
  },
  "a context that nobody reads": {
    source: `${GITHUB}/modelscope/ms-swift/issues/7184`,
    files: {
      "a.jsonl":
        '{"context": "Eve is 7.", "prompt": "How old is Eve?", "chosen": " Seven.", "rejected": " Two."}',
    },
    error:
      /"context" may belong to the prompt, and format trl-pairs does not read it/,
  },
  "a folder of save_to_disk()": {
    source: `${GITHUB}/huggingface/datasets/pull/3705`,
    files: {
      "a/data-0.arrow": "",
      "a/dataset_info.json": '{"citation": "", "features": {}}',
      "a/state.json": "{}",
    },
    places: ["a"],
    error: /it has Arrow files, .*; expected parquet or JSON/,
  },
  "two splits of the same rows": {
    source: `${HUB}/HuggingFaceH4/ultrafeedback_binarized`,
    files: {
      "a/data/train_prefs-0.jsonl":
        '{"prompt": "a", "chosen": " b", "rejected": " c"}',
      "a/data/train_sft-0.jsonl":
        '{"prompt": "a", "chosen": " b", "rejected": " c"}',
    },
    places: ["a"],
    error: /Cannot tell which split of .* to take \(train_prefs, train_sft\)/,
  },
  "semicolons between cells": {
    source: `${GITHUB}/huggingface/datasets/issues/6364`,
    files: { "a.csv": "prompt;chosen;rejected\nName a tree.; Oak.; Nine.\n" },
    error: /found one column, "prompt;chosen;rejected": is the separator ";"\?/,
  },
  "a quote inside a cell, without the parser's words": {
    source: `${GITHUB}/huggingface/datasets/issues/6364`,
    files: {
      "a.csv": 'prompt,chosen,rejected\nThe 9" nail, is long., is short.\n',
    },
    error:
      /a\.csv, row 1: found a quote inside a cell; expected the cell in quotes and quotes inside it doubled$/,
  },
  "an answer of the user": {
    source: `${GITHUB}/huggingface/trl/issues/2385`,
    files: {
      "a.jsonl":
        '{"prompt": [{"role": "user", "content": "Hi"}], "chosen": [{"role": "assistant", "content": "Yes?"}], "rejected": [{"role": "user", "content": "No."}]}',
    },
    error:
      /expected the completion in "rejected" to begin with an assistant message, found role user/,
  },
};

for (
  const [what, { source, files, places, error }] of Object.entries(REFUSED)
) {
  Deno.test(`openRows() refuses ${what} (${source})`, async () => {
    using folder = filesFolder(files);
    for (const place of places ?? Object.keys(files).slice(0, 1)) {
      await rejects(readAll(folder.at(place)), error);
    }
  });
}

Deno.test("a registry's folder and num_samples choose files and rows of the Hub (https://github.com/hiyouga/LlamaFactory, data/README.md)", async () => {
  const columns =
    '"ranking": true, "columns": {"prompt": "prompt", "chosen": "chosen", "rejected": "rejected"}';
  const snapshot = `hub/datasets--acme--qa/snapshots/${"0".repeat(40)}`;
  const line = (prompt: string) =>
    JSON.stringify({ prompt, chosen: " yes", rejected: " no" }) + "\n";
  using folder = filesFolder({
    "hub/datasets--acme--qa/refs/main": "0".repeat(40),
    [`${snapshot}/baking/train.jsonl`]: line("Bread?") + line("Cake?"),
    [`${snapshot}/law/train.jsonl`]: line("Guilty?"),
    "dataset_info.json":
      `{"folder": {"hf_hub_url": "acme/qa", "folder": "baking", ${columns}},
        "samples": {"hf_hub_url": "acme/qa", "num_samples": 1, ${columns}}}`,
  });
  const names = ["HF_HOME", "HF_HUB_OFFLINE", "HF_HUB_CACHE"];
  const before = names.map((name) => [name, Deno.env.get(name)] as const);
  const prompts = async (name: string) =>
    (await readAll(folder.at(`dataset_info.json:${name}`))).rows
      .map((row) => asText(row)[0]);
  try {
    Deno.env.delete("HF_HUB_CACHE");
    Deno.env.set("HF_HOME", folder.path);
    Deno.env.set("HF_HUB_OFFLINE", "1");
    deepStrictEqual(await prompts("folder"), ["user: Bread?", "user: Cake?"]);
    deepStrictEqual((await prompts("samples")).length, 1);
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
  }
});

Deno.test("dialogues that part at an earlier answer are not written for LLaMA-Factory, which would drop them (https://github.com/hiyouga/LlamaFactory/issues/3364)", async () => {
  using folder = filesFolder({
    "a.jsonl": String
      .raw`{"chosen": "\n\nHuman: Hi!\n\nAssistant: Yes?\n\nHuman: Who?\n\nAssistant: Eve.", "rejected": "\n\nHuman: Hi!\n\nAssistant: Yo.\n\nHuman: Who?\n\nAssistant: Al."}`,
  });
  const { kind, rows: [row] } = await readAll(folder.at("a.jsonl"));
  if (kind !== "pairs") throw new Error(`found ${kind}`);
  const layout = llamafactoryLayout(kind, row!.form);
  const format = findFormat(layout.format);
  await rejects(
    async () => await writtenRow(row!, { layout, format }),
    /a\.jsonl, line 1 for LLaMA-Factory: its answers part 3 messages before their end/,
  );
});

/** A folder of files. */
function filesFolder(files: Readonly<Record<string, string>>) {
  const folder = temporaryFolder();
  const at = (path: string) => join(folder.path, path);
  for (const [path, text] of Object.entries(files)) {
    Deno.mkdirSync(dirname(at(path)), { recursive: true });
    Deno.writeTextFileSync(at(path), text);
  }
  return { ...folder, path: folder.path, at };
}

/** Prompt, completions and label, a text each: `user: Hi / assistant: Yes?`. */
function asText({ prompt, completions, label }: PreferenceRow): string[] {
  const labels = label === undefined ? [] : [String(label)];
  return [prompt, ...completions].map(saidIn).concat(labels);
}

function saidIn(part: PreferenceRow["prompt"]): string {
  return typeof part === "string"
    ? part
    : part.map((turn) =>
      typeof turn === "number" ? turn : `${turn.role}: ${turn.content}`
    ).join(" / ");
}
