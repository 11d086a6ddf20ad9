import type { Message } from "lib/data/messages.ts";
import type { PreferenceRow } from "lib/data/preference_row.ts";

let line = 0;

function place(): string {
  return `rows.jsonl, line ${++line}`;
}

/** A pair of texts; more completions make a ranked list. */
export function pair(
  prompt: string,
  completions: string[],
  more: Partial<Pick<PreferenceRow, "location" | "ratings" | "agreement">> = {},
): PreferenceRow {
  return { form: "text", location: place(), prompt, completions, ...more };
}

/** A labelled text. */
export function labelled(
  prompt: string,
  completion: string,
  label: boolean,
): PreferenceRow {
  const completions = [completion];
  return { form: "text", location: place(), prompt, completions, label };
}

/** A pair of answers to a conversation, written `role: content`. */
export function conversation(
  turns: string[],
  answers: string[],
): PreferenceRow {
  return {
    form: "chat",
    location: place(),
    prompt: turns.map(turn),
    completions: answers.map((content) => [turn(`assistant: ${content}`)]),
  };
}

function turn(text: string): Message {
  const [role = ""] = text.split(": ");
  return { role, content: text.slice(role.length + 2) };
}
