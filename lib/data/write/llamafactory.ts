import { stringifyWithFloats } from "../floats.ts";
import { basename, dirname, join } from "node:path";
import { writeTextAtomically } from "../../files/atomic.ts";
import { reasonOf } from "../../files/values.ts";
import type { DataKind } from "../example.ts";
import type { Message } from "../messages.ts";
import { feedbackFields, type Fields, type WrittenLayout } from "./layout.ts";
import { type PreferenceRow, saysNothing } from "../preference_row.ts";

/** Roles of chat templates, and LLaMA-Factory's names for them. */
const TAGS: Readonly<Record<string, string>> = {
  system: "system",
  user: "human",
  assistant: "gpt",
  tool: "observation",
};

type Form = PreferenceRow["form"];

/**
 * LLaMA-Factory's layouts: sharegpt for messages; alpaca for text, which it
 * takes for a user's message and the assistant's answer.
 * https://github.com/hiyouga/LLaMA-Factory/blob/main/data/README.md
 */
export function llamafactoryLayout(kind: DataKind, form: Form): WrittenLayout {
  const layout = form === "chat" ? SHAREGPT : ALPACA;
  const name = form === "chat" ? "sharegpt" : "alpaca";
  return {
    format: `${name}-${kind}`,
    adapt(row) {
      if (row.label === true && [...row.completions].every(saysNothing)) {
        throw new Error(
          `Cannot write ${row.location} for LLaMA-Factory: it takes an empty ` +
            "desirable answer for an undesirable one",
        );
      }
      refuseSeveral(row);
      return row.form === "text" ? asMessages(row) : row;
    },
    write: (row) => ({
      ...layout(row),
      ...feedbackFields(row, "kto_tag"),
      ...row.tools ? { tools: stringifyWithFloats(row.tools) } : {},
    }),
  };
}

/**
 * LLaMA-Factory takes one message for each side of a pair, and drops a row that
 * has a list there.
 */
function refuseSeveral({ form, label, completions, location }: PreferenceRow) {
  const most = Math.max(...completions.map(({ length }) => length));
  if (form !== "chat" || label !== undefined || most === 1) return;
  throw new Error(
    `Cannot write ${location} for LLaMA-Factory: its answers part ${most} ` +
      "messages before their end, and it takes one message for each",
  );
}

/** The contents of a file, as far as its entry in dataset_info.json tells. */
export interface EntryContents {
  readonly kind: DataKind;
  readonly form: Form;
  /** Whether any row has tools. */
  readonly tools: boolean;
}

/** The entry of such a file in dataset_info.json. */
export function datasetInfoEntry(
  { kind, form, tools }: EntryContents,
  fileName: string,
): Fields {
  const answers = kind === "pairs"
    ? { chosen: "chosen", rejected: "rejected" }
    : { kto_tag: "kto_tag" };
  const columns = form === "chat" ? { messages: "conversations" } : {
    prompt: "instruction",
    query: "input",
    ...kind === "labels" ? { response: "output" } : {},
  };
  return {
    file_name: fileName,
    ...kind === "pairs" ? { ranking: true } : {},
    formatting: form === "chat" ? "sharegpt" : "alpaca",
    columns: { ...columns, ...answers, ...tools ? { tools: "tools" } : {} },
  };
}

const SHAREGPT = ({ prompt, completions, label }: PreferenceRow): Fields => {
  const turns = prompt as readonly Message[];
  const answers = (completions as readonly (readonly Message[])[])
    .map((answer) => answer.map(tagged));
  if (label !== undefined) {
    return { conversations: [...turns.map(tagged), ...answers[0]!] };
  }
  const [chosen, rejected] = answers.map(([answer]) => answer);
  return { conversations: turns.map(tagged), chosen, rejected };
};

const ALPACA = ({ prompt, completions, label }: PreferenceRow): Fields => {
  const [question] = prompt as readonly Message[];
  const [first, second] = (completions as readonly (readonly Message[])[])
    .map(([answer]) => answer!.content);
  const asked = { instruction: question!.content, input: "" };
  return label === undefined
    ? { ...asked, chosen: first, rejected: second }
    : { ...asked, output: first };
};

function tagged({ role, content }: Message) {
  return { from: TAGS[role] ?? role, value: content };
}

function asMessages(row: PreferenceRow & { form: "text" }): PreferenceRow {
  return {
    ...row,
    form: "chat",
    prompt: [{ role: "user", content: row.prompt }],
    completions: row.completions.map((content) => [
      { role: "assistant", content },
    ]),
  };
}

/** Adds a file to the dataset_info.json of its folder, beside other entries. */
export async function addToDatasetInfo(
  file: string,
  contents: EntryContents,
): Promise<string> {
  const path = join(dirname(file), "dataset_info.json");
  const fileName = basename(file);
  const name = fileName.replace(/\.jsonl?$/, "");
  const entry = datasetInfoEntry(contents, fileName);
  const entries = { ...await readEntries(path), [name]: entry };
  await writeTextAtomically(path, JSON.stringify(entries, null, 2) + "\n");
  return path;
}

async function readEntries(path: string): Promise<Fields> {
  try {
    return JSON.parse(await Deno.readTextFile(path));
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return {};
    throw new Error(`Cannot add to ${path}: ${reasonOf(cause)}`, {
      cause,
    });
  }
}
