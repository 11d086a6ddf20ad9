import type { MessageTags } from "../messages.ts";
import type { SourceRow } from "../containers/reading.ts";
import { type Format, format } from "./format.ts";
import { label, messages } from "./column_types.ts";
import { chat, chatOfOne, checkAlternation, readTurns } from "./turns.ts";

/** Names of the columns of a file in LLaMA-Factory's sharegpt layout. */
export interface SharegptColumns {
  readonly messages: string;
  readonly system: string | null;
  readonly tools: string | null;
  readonly chosen: string;
  readonly rejected: string;
  readonly verdict: string;
}

const USUAL: SharegptColumns = {
  messages: "conversations",
  system: "system",
  tools: "tools",
  chosen: "chosen",
  rejected: "rejected",
  verdict: "kto_tag",
};

/** Options of {@linkcode sharegpt}. */
export interface SharegptOptions {
  readonly kind: "pairs" | "labels";
  /** @default the usual names */
  readonly columns?: SharegptColumns;
  /** @default `{ from, value }` or `{ role, content }`, with every role */
  readonly tags?: MessageTags;
}

/**
 * LLaMA-Factory's sharegpt layout with preferences: a conversation in which
 * user (or tool) and assistant take turns, and its next message twice, or a
 * verdict on its last one. LLaMA-Factory leaves out rows in which they do not
 * take turns; here such a row is an error.
 * https://github.com/hiyouga/LLaMA-Factory/blob/main/data/README.md
 */
export function sharegpt(
  name: string,
  { kind, columns = USUAL, tags }: SharegptOptions,
): Format {
  const { messages: turns, chosen, rejected, verdict, system, tools } = columns;
  const read = (row: SourceRow, field: string) =>
    readTurns(row, field, { tags });
  const shared = { name, kind, label: verdict, system, tools };
  if (kind === "labels") {
    return format({
      ...shared,
      columns: { [turns]: messages, [verdict]: label },
      read(row) {
        const conversation = read(row, turns);
        checkAlternation(row, { ...conversation, last: "assistant" });
        return chatOfOne(row, conversation);
      },
    });
  }
  return format({
    ...shared,
    columns: { [turns]: messages, [chosen]: messages, [rejected]: messages },
    read(row) {
      const prompt = read(row, turns);
      checkAlternation(row, { ...prompt, last: "user" });
      return chat(row, prompt, [read(row, chosen), read(row, rejected)]);
    },
  });
}

/** The sharegpt layout under its usual names. */
export const sharegptFormats: readonly Format[] = [
  sharegpt("sharegpt-pairs", { kind: "pairs" }),
  sharegpt("sharegpt-labels", { kind: "labels" }),
];
