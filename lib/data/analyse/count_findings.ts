import { LEFT_OUT, type Part } from "../tokenize/left_out.ts";
import type { Counts, RowEvent } from "../tokenize/tokenize.ts";

function leftOut(part: Part): Check {
  return {
    check: `${LEFT_OUT[part]} that the template leaves out`,
    verdict: "wrong",
    says: "the row has them, and they or parts of them are not in the text " +
      "that the model sees",
  };
}

/** The checks of what tokenization counts. */
const CHECKS: Readonly<Record<RowEvent, Check>> = {
  boundaryShifted: {
    check: "tokens across the end of a prompt",
    verdict: "look",
    says: "prompt and completion together have other tokens than each by " +
      "itself; --boundary says which are taken",
  },
  spanned: {
    check: "rows dropped for a token across the end of a prompt",
    verdict: "look",
    says: "prompt and completion together have other tokens than each by " +
      "itself, and --boundary drops them",
  },
  rewritten: {
    check: "rows dropped because the template rewrites the prompt",
    verdict: "look",
    says: "with an answer after it the prompt is another text, so that there " +
      "is no boundary",
  },
  unterminated: {
    check: "completions without an end",
    verdict: "look",
    says: "no end-of-sequence token is scored: the model does not learn " +
      "there to stop",
  },
  doubledEos: {
    check: "completions with two ends",
    verdict: "wrong",
    says: "the text has an end-of-sequence token, and another one is added",
  },
  withoutBos: {
    check: "rows without BOS",
    verdict: "wrong",
    says: "the tokenizer puts it before every text, these rows lack it",
  },
  doubledBos: {
    check: "rows with two BOS",
    verdict: "wrong",
    says: "the text or the template has one already, and another is added",
  },
  specialInText: {
    check: "special tokens in the text",
    verdict: "look",
    says: "the text spells a special token of this tokenizer; " +
      "--specials says whether it stays text, except where the chat template " +
      "reads it",
  },
  systemDropped: leftOut("systemDropped"),
  turnsDropped: leftOut("turnsDropped"),
  answersDropped: leftOut("answersDropped"),
  thoughtsDropped: leftOut("thoughtsDropped"),
  earlierThoughtsDropped: {
    ...leftOut("earlierThoughtsDropped"),
    verdict: "look",
    says: "many templates mean to: the model does not see them when it answers",
  },
  callsDropped: leftOut("callsDropped"),
  toolsDropped: leftOut("toolsDropped"),
  emptyPrompt: {
    check: "prompts without tokens",
    verdict: "wrong",
    says: "nothing predicts the first token of the completion",
  },
  emptyCompletion: {
    check: "completions without scored tokens",
    verdict: "wrong",
    says: "training drops or refuses such rows",
  },
  longPrompt: {
    check: "rows dropped for their prompts' length",
    verdict: "look",
    says: "there is no room for a completion; --prompt-truncation cuts them",
  },
  longCompletion: {
    check: "rows dropped for their completions' length",
    verdict: "look",
    says: "they do not fit as they are, and --truncate drops them",
  },
  truncated: {
    check: "completions cut",
    verdict: "look",
    says:
      "they lose their ends, and with them the token that tells the model to stop",
  },
  truncatedPrompts: {
    check: "prompts cut",
    verdict: "look",
    says: "they are longer than they may be",
  },
};

/** The findings of what tokenization counted. */
export function countFindings(
  { dropped, leftOut: parts, places, ...counts }: Counts,
): Finding[] {
  const all = { ...dropped, ...parts, ...counts };
  return Object.entries(CHECKS).map(([name, check]) => {
    const event = name as RowEvent;
    return finding(check, { count: all[event] ?? 0, places: places[event] });
  });
}

/** The judgement of a check: harmless, worth a look, or damage. */
export type Verdict = "ok" | "look" | "wrong";

/** Something that rows are checked for. */
export interface Check {
  /** Name of the check, or of the rows that it finds. */
  readonly check: string;
  /** The judgement where it finds any row. */
  readonly verdict: Verdict;
  /** The meaning of such rows, in words. */
  readonly says: string;
}

/** A check's result for a file: `ok` and without words where it finds nothing. */
export interface Finding extends Check {
  /** Rows that it finds. */
  readonly count: number;
  /** Locations of the first of them. */
  readonly places: readonly string[];
}

/** The finding of a check that counted so many rows. */
export function finding(
  { check, verdict, says }: Check,
  { count, places = [] }: {
    count: number;
    places?: readonly string[] | undefined;
  },
): Finding {
  return count === 0
    ? { check, verdict: "ok", count, places, says: "" }
    : { check, verdict, count, places, says };
}

/** Most locations that a finding keeps. */
const MOST_PLACES = 3;

/** Counts rows and keeps the locations of the first ones. */
export class Tally {
  count = 0;
  readonly places: string[] = [];

  add(location: string): void {
    this.count++;
    if (this.places.length < MOST_PLACES) this.places.push(location);
  }
}
