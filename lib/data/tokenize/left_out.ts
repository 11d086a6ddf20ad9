import { numbered, readNumbers } from "../tokenizer/added_tokens.ts";
import type { Message } from "../messages.ts";
import { type Change, mapMessage, mapTool } from "./chat_texts.ts";

/** Parts of a row that a chat template may leave out, in words. */
export const LEFT_OUT = {
  systemDropped: "system messages",
  turnsDropped: "turns before the answers",
  answersDropped: "texts of answers",
  thoughtsDropped: "thoughts",
  earlierThoughtsDropped: "thoughts before the last question",
  callsDropped: "tool calls",
  toolsDropped: "tools",
} as const;
/** One of {@linkcode LEFT_OUT}. */
export type Part = keyof typeof LEFT_OUT;
/** Every {@linkcode Part}. */
export const PARTS = Object.keys(LEFT_OUT) as Part[];

/** A conversation, and the text that a template makes of it. */
export interface Written {
  readonly turns: readonly Message[];
  readonly tools?: readonly unknown[];
  /** Number of turns before the completion. */
  readonly start: number;
  readonly text: string;
}

/** Parts of a conversation that are not in its text. */
export interface LeftOut {
  readonly parts: ReadonlySet<Part>;
  /** Whether nothing that the completion's assistant says is in the text. */
  readonly vanished: boolean;
}

/** Writes a conversation as text. */
export type Write = (
  conversation: Pick<Written, "turns" | "tools">,
) => string;

const NOTHING: LeftOut = { parts: new Set(), vanished: false };

/**
 * Finds the parts of conversations that their template leaves out.
 *
 * Each line of each text gets a mark within its first word and its last, and the
 * template writes the conversation again: marks that are missing are of what it
 * left out. Where marks change what it does, the texts are looked for by
 * themselves. Plain conversations of the same speakers are written alike: when
 * nothing of one is left out, it suffices for others that their contents stand
 * in their texts one after another.
 */
export class LeftOutFinder {
  readonly #whole = new Set<string>();

  find(written: Written, write: Write): LeftOut {
    const speakers = plainSpeakers(written);
    if (
      speakers !== null && this.#whole.has(speakers) && hasContents(written)
    ) return NOTHING;
    const found = findMarked(written, write);
    if (speakers !== null && found.parts.size === 0) this.#whole.add(speakers);
    return found;
  }
}

/** The speakers of a conversation that has nothing but contents; else null. */
function plainSpeakers({ turns, tools }: Written): string | null {
  const isPlain = !tools &&
    turns.every((turn) =>
      Object.keys(turn).length === 2 && typeof turn.content === "string" &&
      turn.content.trim() !== ""
    );
  return isPlain ? turns.map(({ role }) => role).join() : null;
}

function hasContents({ turns, text }: Written): boolean {
  let at = 0;
  return turns.every(({ content }) => {
    const said = content.trim();
    const found = text.indexOf(said, at);
    at = found + said.length;
    return found !== -1;
  });
}

/** A line of a text, or a name, in which a mark was put. */
interface Piece {
  readonly text: string;
  readonly part: Part;
  /** Whether the completion's assistant says it. */
  readonly answered: boolean;
}

function findMarked(written: Written, write: Write): LeftOut {
  const pieces: Piece[] = [];
  const { numbers, rest } = readNumbers(
    textOf(() => write(markPieces(written, pieces))),
  );
  const isSame = rest === written.text;
  const found = pieces.map(({ text }, i) =>
    isSame
      ? numbers.has(i)
      : spellings(text).some((each) => written.text.includes(each))
  );
  const answered = found.filter((_, i) => pieces[i]!.answered);
  return {
    parts: new Set(pieces.flatMap(({ part }, i) => found[i] ? [] : [part])),
    vanished: answered.length > 0 && !answered.includes(true),
  };
}

/** The text; none where marks make the template fail. */
function textOf(write: () => string): string {
  try {
    return write();
  } catch {
    return "";
  }
}

/** A text as it is, and as JSON has it. */
function spellings(text: string): string[] {
  const json = JSON.stringify(text).slice(1, -1);
  const ascii = json.replace(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return [text, json, ascii];
}

/** The conversation with marks in its texts, which are noted. */
function markPieces(
  { turns, tools, start }: Written,
  pieces: Piece[],
): Pick<Written, "turns" | "tools"> {
  const add = (part: Part, answered = false) => (text: string) =>
    pieces.push({ text, part, answered }) - 1;
  const asked = turns.findLastIndex(({ role }) => role === "user");
  const message = (turn: Message, i: number) => {
    const answered = i >= start && turn.role === "assistant";
    const isEarlier = i < start || i < asked;
    const noted = {
      content: add(partOf(turn, answered), answered),
      thought: add(
        isEarlier ? "earlierThoughtsDropped" : "thoughtsDropped",
        answered,
      ),
      call: add("callsDropped", answered),
    };
    return mapMessage(turn, (text, meaning) => {
      if (meaning === "call" || meaning === "thought") {
        return markText(text, noted[meaning]);
      }
      if (meaning !== "content") return text;
      const thought = turn.role === "assistant" ? thoughtIn(text) : "";
      return markText(thought, noted.thought) +
        markText(text.slice(thought.length), noted.content);
    });
  };
  const names = new Map<string, string>();
  const tool: Change = (text, meaning) => {
    if (meaning === "note") return text;
    const known = meaning === "parameter" ? names.get(text) : undefined;
    const marked = known ?? markText(text, add("toolsDropped"));
    if (meaning === "parameter") names.set(text, marked);
    return marked;
  };
  return {
    turns: turns.map(message),
    ...tools && { tools: tools.map((each) => mapTool(each, tool)) },
  };
}

function partOf({ role }: Message, answered: boolean): Part {
  if (role === "system" || role === "developer") return "systemDropped";
  return answered ? "answersDropped" : "turnsDropped";
}

/** The thought that a content begins with, tags included. */
function thoughtIn(content: string): string {
  return /^[^]*(<\/think(ing)?>|\[\/THINK\])/.exec(content)?.[0] ?? "";
}

/** Tags, at which templates take texts apart, and the ends of lines. */
const SEPARATOR = /(<[^<>\n]*>|\[[^[\]\n]*\]|\n+)/;

/** The text with marks in each line between tags. */
function markText(text: string, note: (text: string) => number): string {
  if (text.trim() === "") return text;
  const parts = text.split(SEPARATOR);
  const isLine = (part: string, i: number) => i % 2 === 0 && part.trim() !== "";
  if (!parts.some(isLine)) return markLine(text, note);
  return parts.map((part, i) => isLine(part, i) ? markLine(part, note) : part)
    .join("");
}

const FIRST = /[\p{L}\p{N}](?=[\p{L}\p{N}])/u;
const LAST = /^[^]*[\p{L}\p{N}](?=[\p{L}\p{N}])/u;
const SIGN = /\S/u;

/** Marks the first word and the last, or the first sign where there is no word. */
function markLine(line: string, note: (text: string) => number): string {
  const text = line.trim();
  const first = FIRST.exec(line) ?? SIGN.exec(line)!;
  const at = first.index + first[0].length;
  const last = LAST.exec(line)?.[0].length ?? at;
  const mark = () => numbered(note(text));
  return line.slice(0, at) + mark() + line.slice(at, last) +
    (last > at ? mark() : "") + line.slice(last);
}
