import {
  type SourceRow,
  unreadable,
  valueError,
} from "../containers/reading.ts";
import {
  type Message,
  readMessages,
  type ReadMessagesOptions,
  saysTheSame,
} from "../messages.ts";
import type { Content } from "../preference_row.ts";

/** Content that is a conversation. */
export type Chat = Extract<Content, { form: "chat" }>;

/** Messages, and the field of the row that holds them. */
export interface Turns {
  readonly field: string;
  readonly messages: Message[];
}

/** Reads the messages of a field, see {@linkcode readMessages}. */
export function readTurns(
  row: SourceRow,
  field: string,
  options?: ReadMessagesOptions,
): Turns {
  return { field, messages: readMessages(row, field, options) };
}

/**
 * A conversation and its completions.
 *
 * @throws an error that names file, row and field: a system message other
 * than the first, or a completion that does not begin and end with the
 * assistant.
 */
export function chat(
  row: SourceRow,
  prompt: Turns,
  completions: readonly Turns[],
): Chat {
  checkSystem(row, { ...prompt, messages: prompt.messages.slice(1) });
  for (const completion of completions) {
    checkSystem(row, completion);
    checkAnswer(row, completion);
  }
  return {
    form: "chat",
    prompt: prompt.messages,
    completions: completions.map(({ messages }) => messages),
  };
}

/**
 * Completions without the prompt, where each of them is the whole conversation
 * and so begins with the prompt's messages.
 */
export function withoutPrompt(
  { messages: prompt }: Turns,
  completions: readonly Turns[],
): readonly Turns[] {
  const repeat = completions.every(({ messages }) =>
    messages.length > prompt.length &&
    prompt.every((message, i) => saysTheSame(message, messages[i]!))
  );
  if (!repeat) return completions;
  return completions.map(({ field, messages }) => ({
    field,
    messages: messages.slice(prompt.length),
  }));
}

/**
 * Two conversations whose common beginning, in whole messages, is the prompt:
 * common characters would tear words, and template tokens, apart. An identical
 * pair keeps its last message for an answer.
 */
export function chatOfTwo(
  row: SourceRow,
  [a, b]: readonly [Turns, Turns],
): Chat {
  const most = Math.min(a.messages.length, b.messages.length) - 1;
  let shared = 0;
  while (
    shared < most && saysTheSame(a.messages[shared]!, b.messages[shared]!)
  ) shared++;
  if (shared === 0) {
    throw unreadable(
      row.location,
      `expected "${a.field}" and "${b.field}" to begin with the same messages, ` +
        "the prompt; found none in common",
    );
  }
  const prompt = { ...a, messages: a.messages.slice(0, shared) };
  const completions = [a, b].map(({ field, messages }) => ({
    field,
    messages: messages.slice(shared),
  }));
  return chat(row, prompt, completions);
}

/** A conversation whose last message is the completion. */
export function chatOfOne(row: SourceRow, { field, messages }: Turns): Chat {
  if (messages.length < 2) {
    const expected = "a prompt and an answer, two messages or more";
    throw valueError(row, { field, actual: messages, expected });
  }
  const completion = { field, messages: messages.slice(-1) };
  return chat(row, { field, messages: messages.slice(0, -1) }, [completion]);
}

/**
 * Checks that user (or tool) and assistant take turns after the system's.
 *
 * @throws an error that names file, row and message.
 */
export function checkAlternation(
  { location }: SourceRow,
  { field, messages, last }: Turns & { last: "user" | "assistant" },
): void {
  const start = messages[0]?.role === "system" ? 1 : 0;
  for (const [i, { role }] of messages.entries()) {
    if (i < start) continue;
    const asks = (i - start) % 2 === 0;
    if (asks ? role === "user" || role === "tool" : role === "assistant") {
      continue;
    }
    throw unreadable(
      location,
      `expected ${field}[${i}] to be of ` +
        `${asks ? "the user or a tool" : "the assistant"}, who take turns; ` +
        `found role ${role}`,
    );
  }
  const ends = (messages.length - start) % 2 === 1 ? "user" : "assistant";
  if (ends === last) return;
  throw unreadable(
    location,
    `expected the last message of "${field}" to be of the ${last}, ` +
      `found role ${messages.at(-1)!.role}`,
  );
}

function checkSystem(
  { location }: SourceRow,
  { field, messages }: Turns,
): void {
  if (messages.every(({ role }) => role !== "system")) return;
  throw unreadable(
    location,
    `expected "${field}" to have a system message in the first place only, ` +
      "found another one",
  );
}

function checkAnswer(
  { location }: SourceRow,
  { field, messages }: Turns,
): void {
  const ends = { begin: messages[0]!, end: messages.at(-1)! };
  for (const [end, { role }] of Object.entries(ends)) {
    if (role === "assistant") continue;
    throw unreadable(
      location,
      `expected the completion in "${field}" to ${end} with an assistant ` +
        `message, found role ${role}`,
    );
  }
}
