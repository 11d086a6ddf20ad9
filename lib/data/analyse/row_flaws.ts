import { messagesIn } from "../formats/column_types.ts";
import { type Message, seenParts } from "../messages.ts";
import { type Check, type Finding, finding, Tally } from "./count_findings.ts";
import { repeatedPrompts } from "./prompt_repeats.ts";
import {
  completionTexts,
  type PreferenceRow,
  questionText,
  saysNothing,
  textsOf,
} from "../preference_row.ts";

/** A check of a text or a row by itself. */
interface Flaw<T> extends Check {
  isIn(subject: T): boolean;
}

/** Text in which only special tokens can be wrong, as most English is. */
const PLAIN = /^[\t\n\r\x20-\x7e]*$/;

/** Markup that templates write around turns, recognised by its looks alone. */
const MARKUP: Flaw<string> = {
  check: "text that looks like special tokens",
  verdict: "look",
  says:
    "where a tokenizer reads them as control tokens they end turns or begin others",
  isIn: (text) => LOOKS_SPECIAL.test(text),
};

const LOOKS_SPECIAL =
  /<\|\w+\|>|<｜[^｜]{1,40}｜>|<\/?s>|\[\/?INST\]|<<\/?SYS>>|<(?:start|end)_of_turn>|<(?:bos|eos|pad|unk)>/;

const TEXT_FLAWS: readonly Flaw<string>[] = [
  {
    check: "half characters",
    verdict: "wrong",
    says: "a lone surrogate is no character: UTF-8 cannot hold it",
    isIn: (text) => !text.isWellFormed(),
  },
  {
    check: "replacement characters",
    verdict: "look",
    says: "U+FFFD stands where a program could not read the encoding",
    isIn: (text) => text.includes("\uFFFD"),
  },
  {
    check: "control characters",
    verdict: "look",
    says: "apart from tab and line breaks they are seldom meant",
    isIn: (text) => /(?![\t\n\r])\p{Cc}/u.test(text),
  },
  {
    check: "invisible characters",
    verdict: "look",
    says: "marks of direction, zero-width spaces or byte order marks hide in " +
      "the text",
    isIn: (text) =>
      /[\u200B\u200E\u200F\u202A-\u202E\u2060\u2066-\u2069\uFEFF]/.test(text),
  },
  {
    check: "text that is not NFC",
    verdict: "look",
    says: "the same letters in two spellings get different tokens",
    isIn: (text) => text.normalize() !== text,
  },
];

/** Checks texts for characters that are hardly meant. */
export function textFlaws() {
  const tallies = new Map(
    [MARKUP, ...TEXT_FLAWS].map((flaw) => [flaw, new Tally()]),
  );
  return {
    add(row: PreferenceRow): void {
      const texts = textsOf(row);
      const odd = texts.filter((text) => !PLAIN.test(text));
      for (const [flaw, tally] of tallies) {
        const suspects = flaw === MARKUP ? texts : odd;
        if (suspects.some(flaw.isIn)) tally.add(row.location);
      }
    },
    findings: (): Finding[] =>
      Array.from(tallies, ([flaw, tally]) => finding(flaw, tally)),
  };
}

const ROW_FLAWS: readonly Flaw<PreferenceRow>[] = [
  {
    check: "empty completions",
    verdict: "wrong",
    says: "nothing is scored there: training drops or refuses such rows",
    isIn: ({ completions }) => [...completions].some(saysNothing),
  },
  {
    check: "blank completions",
    verdict: "look",
    says: "white space alone is scored",
    isIn: (row) => completionTexts(row).some((text) => /^\s+$/.test(text)),
  },
  {
    check: "near-empty prompts",
    verdict: "look",
    says: "the prompt has fewer than two letters or digits",
    isIn: (row) => !/[\p{L}\p{N}][^]*[\p{L}\p{N}]/u.test(asked(row)),
  },
  {
    check: "equal completions",
    verdict: "wrong",
    says:
      "there is nothing to prefer: such rows have no gradient in DPO, and " +
      "push both ways elsewhere",
    isIn: ({ completions }) => repeats(completions.map(keyOf)),
  },
  {
    check: "completions equal except for case, white space or punctuation",
    verdict: "look",
    says: "the preference is about form alone",
    isIn: (row) =>
      !repeats(row.completions.map(keyOf)) &&
      alike(completionTexts(row)),
  },
  {
    check: "text that is messages",
    verdict: "wrong",
    says: "it spells messages, whose braces and roles would be scored; " +
      "the other rows' form decides how it is read",
    isIn: (row) =>
      row.form === "text" &&
      textsOf(row).some((text) => messagesIn(text) !== undefined),
  },
  {
    check: "completions that begin with the prompt",
    verdict: "wrong",
    says: "the prompt stands there twice, and is scored",
    isIn: (row) => repeatedPrompts(row) === 1,
  },
  {
    check: "completions of which only some begin with the prompt",
    verdict: "look",
    says: "the preference may be about the repetition alone",
    isIn: (row) => repeatedPrompts(row) % 1 > 0,
  },
  {
    check: "prompt and completion without a space between",
    verdict: "look",
    says: 'text is joined as it is, "…?The": begin completions with a space, ' +
      "or write prompts as messages",
    isIn: (row) =>
      row.form === "text" && /\S$/.test(row.prompt) &&
      row.completions.some((text) => /^[^\s\p{P}]/u.test(text)),
  },
  {
    check: "prompts that end in a space",
    verdict: "look",
    says: "many tokenizers have the space in the next word's token, which " +
      "moves the boundary: begin completions with it instead",
    isIn: (row) => row.form === "text" && /[ \t]$/.test(row.prompt),
  },
  {
    check: "prompts that end in the assistant's turn",
    verdict: "look",
    says: "the answer follows another answer; some templates refuse that",
    isIn: conversation((turns) => turns.at(-1)?.role === "assistant"),
  },
  {
    check: "a role twice in a row",
    verdict: "look",
    says: "some templates refuse turns that do not alternate",
    isIn: conversation((turns) =>
      turns.some(({ role }, i) =>
        role === turns[i - 1]?.role && role !== "tool"
      )
    ),
  },
  {
    check: "system turns that are not the first",
    verdict: "look",
    says: "many templates drop or refuse them",
    isIn: conversation((turns) =>
      turns.some(({ role }, i) => role === "system" && i > 0)
    ),
  },
  {
    check: "empty turns in the prompt",
    verdict: "look",
    says: "a turn says nothing",
    isIn: conversation((turns) => turns.some((turn) => saysNothing([turn]))),
  },
  {
    check: "scores that are not numbers or not in order",
    verdict: "wrong",
    says: "expected a finite number for each completion, best first",
    isIn: ({ ratings, completions }) =>
      ratings !== undefined &&
      (ratings.length !== completions.length ||
        ratings.some((score, i) =>
          !Number.isFinite(score) || score > (ratings[i - 1] ?? Infinity)
        )),
  },
  {
    check: "agreement outside [0, 1]",
    verdict: "wrong",
    says: "expected the share of votes for the chosen",
    isIn: ({ agreement }) =>
      agreement !== undefined && !(agreement >= 0 && agreement <= 1),
  },
  {
    check: "agreement of a half or less",
    verdict: "look",
    says: "most votes, or half of them, are against the chosen",
    isIn: ({ agreement }) => agreement !== undefined && agreement <= 0.5,
  },
];

/** Checks rows one by one, apart from the characters of their texts. */
export function rowFlaws() {
  const tallies = ROW_FLAWS.map(() => new Tally());
  return {
    add(row: PreferenceRow): void {
      for (const [i, flaw] of ROW_FLAWS.entries()) {
        if (flaw.isIn(row)) tallies[i]!.add(row.location);
      }
    },
    findings: (): Finding[] =>
      ROW_FLAWS.map((flaw, i) => finding(flaw, tallies[i]!)),
  };
}

function conversation(isIn: (turns: readonly Message[]) => boolean) {
  return (row: PreferenceRow) => row.form === "chat" && isIn(row.prompt);
}

function asked(row: PreferenceRow): string {
  return questionText(row) ?? "token ids";
}

/** A completion as a text to compare: the parts that a model may see. */
function keyOf(completion: PreferenceRow["completions"][number]): string {
  if (typeof completion === "string") return completion;
  const parts = completion.map((part) =>
    typeof part === "number" ? part : seenParts(part)
  );
  return JSON.stringify(parts, withFloats);
}

/** `1.0` of a call is not `1`, see `parseWithFloats()`. */
function withFloats(_key: string, value: unknown): unknown {
  return value instanceof Number ? { float: Number(value) } : value;
}

/** Number of first characters that are compared before whole texts are. */
const BEGINNING = 64;

/** Whether two of the texts differ only in case, white space and punctuation. */
function alike(texts: readonly string[]): boolean {
  const beginnings = texts.map((text) => bareText(text.slice(0, BEGINNING)));
  const suspects = texts.filter((_, i) =>
    beginnings.some((other, j) =>
      j !== i &&
      (other.startsWith(beginnings[i]!) || beginnings[i]!.startsWith(other))
    )
  );
  return suspects.length > 1 && repeats(suspects.map(bareText));
}

function bareText(text: string): string {
  return text.toLowerCase().replace(/[\s\p{P}]+/gu, "");
}

function repeats(texts: readonly string[]): boolean {
  return new Set(texts).size < texts.length;
}
