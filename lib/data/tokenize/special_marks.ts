import {
  assertUnmarked,
  type TokenTexts,
  unmarked,
} from "../tokenizer/added_tokens.ts";
import { type ChatContent, mapMessage, mapTool } from "./chat_texts.ts";
import type { SplitRow } from "./split_conversation.ts";

/** A row in spans, in which special tokens of its texts are marked to stay text. */
export interface MarkedRow {
  readonly spans: SplitRow;
  /** The first special token in its texts. */
  readonly special?: string;
}

interface Options {
  readonly tokens: TokenTexts;
  /** Writes a row as text and splits it. */
  split(content: ChatContent): SplitRow;
}

/**
 * Splits a row in which the special tokens that its texts write out are marked,
 * so that they stay text. A template may read tokens in what it is given: it
 * cuts thoughts off at `</think>`, or opens the answer with a `<think>` that the
 * answer begins with. A speaker's tokens of which marks would change the spans
 * stay as they are.
 *
 * @throws RangeError for a mark in the row, or the error that `split` throws for
 * the row without marks.
 */
export function splitMarked(
  content: ChatContent,
  { tokens, split }: Options,
): MarkedRow {
  const { special, spoken } = findSpecials(content, tokens);
  const plain = split(content);
  if (special === undefined) return { spans: plain };
  const wanted = JSON.stringify(plain);
  const withMarks = (chosen: ReadonlySet<string>) => {
    const marked = mapTexts(
      content,
      (text, role) =>
        tokens.mark(text, (token) => chosen.has(keyOf(role, token))),
    );
    const spans = spansOf(() => split(marked));
    return unmarked(JSON.stringify(spans)) === wanted ? spans : null;
  };
  const whole = withMarks(spoken);
  if (whole) return { spans: whole, special };
  let [chosen, spans] = [new Set<string>(), plain];
  for (const key of spoken) {
    const more = new Set([...chosen, key]);
    const marked = withMarks(more);
    if (marked) [chosen, spans] = [more, marked];
  }
  return { spans, special };
}

/** The first special token in the texts of a row, without marking any. */
export function findSpecials(content: ChatContent, tokens: TokenTexts): {
  readonly special?: string;
  /** Each speaker with each token that it writes out. */
  readonly spoken: ReadonlySet<string>;
} {
  const spoken = new Set<string>();
  let special: string | undefined;
  mapTexts(content, (text, role) => {
    assertUnmarked(text);
    for (const token of tokens.specials(text)) {
      special ??= token;
      spoken.add(keyOf(role, token));
    }
    return text;
  });
  return { ...special !== undefined && { special }, spoken };
}

function keyOf(role: string, token: string): string {
  return `${role}\0${token}`;
}

/** The spans; none where marks make the template fail, or leave no boundary. */
function spansOf(split: () => SplitRow): SplitRow | null {
  try {
    return split();
  } catch {
    return null;
  }
}

function mapTexts(
  { prompt, completions, tools }: ChatContent,
  change: (text: string, role: string) => string,
): ChatContent {
  const messages = (turns: ChatContent["prompt"]) =>
    turns.map((message) =>
      mapMessage(message, (text) => change(text, message.role))
    );
  return {
    prompt: messages(prompt),
    completions: completions.map(messages),
    ...tools &&
      { tools: tools.map((tool) => mapTool(tool, (text) => change(text, ""))) },
  };
}
