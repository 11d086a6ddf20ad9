import {
  assertUnmarked,
  type TokenTexts,
  unmarked,
} from "../tokenizer/added_tokens.ts";
import { type ChatContent, mapMessage, mapTool } from "./chat_texts.ts";

/** A row's content, of which special tokens in texts are marked to stay text. */
export interface Marked {
  readonly content: ChatContent;
  /** The first special token in its texts. */
  readonly special?: string;
}

interface Options {
  readonly tokens: TokenTexts;
  /** Writes each conversation of a row as text. */
  render(content: ChatContent): readonly string[];
}

/**
 * Marks the special tokens that are written out in the texts of a row, so that
 * they stay text. A template may read tokens in what it is given: it cuts
 * thoughts off at `</think>`, or refuses `<|channel|>`. A speaker's tokens of
 * which marks would change what the template does stay as they are.
 *
 * @throws RangeError for a mark in the row, or the error that the template
 * raises for the row without marks.
 */
export function markSpecials(
  content: ChatContent,
  { tokens, render }: Options,
): Marked {
  const { special, spoken } = findSpecials(content, tokens);
  if (special === undefined) return { content };
  const wanted = render(content);
  const mark = (chosen: ReadonlySet<string>) =>
    mapTexts(
      content,
      (text, role) =>
        tokens.mark(text, (token) => chosen.has(keyOf(role, token))),
    );
  const isHarmless = (chosen: ReadonlySet<string>) => {
    const texts = textsOf(() => render(mark(chosen)));
    return wanted.every((text, k) => text === texts[k]);
  };
  if (isHarmless(spoken)) return { content: mark(spoken), special };
  const harmless = [...spoken].filter((key) => isHarmless(new Set([key])));
  const chosen = new Set(isHarmless(new Set(harmless)) ? harmless : []);
  return { content: mark(chosen), special };
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

/** The texts without marks; none where marks make the template fail. */
function textsOf(render: () => readonly string[]): readonly string[] {
  try {
    return render().map(unmarked);
  } catch {
    return [];
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
