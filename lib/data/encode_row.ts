import type { PreferenceRow } from "./formats.ts";
import type { Message } from "./messages.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** The token ids of one row. */
export interface EncodedRow {
  readonly prompt: readonly number[];
  readonly completions: readonly (readonly number[])[];
  /** Whether the prompt lost its last tokens to the completions. */
  readonly boundaryShifted: boolean;
}

/**
 * Token ids of a row, and in them the boundary between prompt and completions.
 *
 * Prompt and completion are tokenized together, as a model meets them. Where
 * the end of the prompt then comes out otherwise than by itself (`"is "` +
 * `"so"` holds the token `" so"`), the boundary moves left to the last common
 * token: the prompt gets shorter, and the merged tokens are scored. All
 * completions of a row share the shortest of its prompts.
 *
 * Text has the tokenizer's BOS once and an EOS at its end; a conversation has
 * what the chat template gives it; an answer that says nothing has no ids.
 *
 * @throws an error that names file and row when the model has no tokenizer,
 * template or EOS for it, or when the template refuses it.
 */
export function encodeRow(
  row: PreferenceRow,
  tokenizer: Tokenizer | null,
): EncodedRow {
  if (row.form === "ids") {
    const { prompt, completions } = row;
    return { prompt, completions, boundaryShifted: false };
  }
  try {
    if (tokenizer === null) {
      throw new Error("expected a tokenizer.json in the model folder");
    }
    return row.form === "text"
      ? encodeText(row, tokenizer)
      : encodeChat(row, tokenizer);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Cannot tokenize ${row.where}: ${reason}`, { cause });
  }
}

function encodeText(
  { prompt, completions }: PreferenceRow & { form: "text" },
  tokenizer: Tokenizer,
): EncodedRow {
  const { bosId, eosId, prefix } = tokenizer;
  if (eosId === null) {
    throw new Error(
      "expected an eos_token in tokenizer_config.json, to end text",
    );
  }
  const encode = (text: string) => {
    const ids = tokenizer.encode(text, { addSpecialTokens: false });
    // The text may have the BOS written out.
    return ids[0] === bosId ? ids : [...prefix, ...ids];
  };
  const row = split(
    encode(prompt),
    completions.map((text) => encode(prompt + text)),
  );
  const answers = row.completions.map((ids, i) => {
    if (completions[i] === "") return [];
    return ids.at(-1) === eosId ? ids : [...ids, eosId];
  });
  return { ...row, completions: answers };
}

function encodeChat(
  { prompt, completions }: PreferenceRow & { form: "chat" },
  { chatTemplate, encode }: Tokenizer,
): EncodedRow {
  if (chatTemplate === null) {
    throw new Error(
      "messages need a chat template, and the model folder has none " +
        "(chat_template.jinja, or chat_template in tokenizer_config.json)",
    );
  }
  // The template writes BOS itself.
  const ids = (messages: readonly Message[], addGenerationPrompt: boolean) =>
    encode(chatTemplate.render(messages, { addGenerationPrompt }), {
      addSpecialTokens: false,
    });
  const row = split(
    ids(prompt, true),
    completions.map((answer) => ids([...prompt, ...answer], false)),
  );
  const answers = row.completions.map((ids, i) =>
    saysNothing(completions[i]!) ? [] : ids
  );
  return { ...row, completions: answers };
}

function saysNothing(messages: readonly Message[]): boolean {
  return messages.every(({ content, tool_calls }) =>
    content === "" && !tool_calls
  );
}

/** @param whole ids of the prompt and a completion together, one list for each. */
function split(
  prompt: readonly number[],
  whole: readonly (readonly number[])[],
): EncodedRow {
  const boundary = Math.min(...whole.map((ids) => commonLength(prompt, ids)));
  return {
    prompt: prompt.slice(0, boundary),
    completions: whole.map((ids) => ids.slice(boundary)),
    boundaryShifted: boundary < prompt.length,
  };
}

function commonLength(a: readonly number[], b: readonly number[]): number {
  const end = a.findIndex((id, i) => id !== b[i]);
  return end === -1 ? a.length : end;
}
