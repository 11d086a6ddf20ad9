import type { Counts, Touch } from "../example.ts";

interface Meaning {
  readonly check: string;
  readonly verdict: Verdict;
  readonly says: string;
}

/** What each count of tokenization is called, and means. */
const MEANINGS: Readonly<Record<Touch, Meaning>> = {
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
    says: "what somebody wrote is a special token of this tokenizer; " +
      "--specials says whether it stays text",
  },
  systemDropped: {
    check: "system messages that the template leaves out",
    verdict: "wrong",
    says: "the model does not see what the system says",
  },
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
    says: "they lose their ends, and with them what tells the model to stop",
  },
  truncatedPrompts: {
    check: "prompts cut",
    verdict: "look",
    says: "they are longer than they may be",
  },
};

/** What tokenization counted, as findings. */
export function countFindings(
  { dropped, places, ...counts }: Counts,
): Finding[] {
  const all = { ...dropped, ...counts };
  return Object.entries(MEANINGS).map(([name, { check, verdict, says }]) => {
    const touch = name as Touch;
    const count = all[touch] ?? 0;
    return {
      check,
      verdict: count === 0 ? "ok" : verdict,
      count,
      places: places[touch] ?? [],
      says: count === 0 ? "" : says,
    };
  });
}

/** What a check makes of what it found: harmless, worth a look, or damage. */
export type Verdict = "ok" | "look" | "wrong";

/** What one check found in a file. */
export interface Finding {
  readonly check: string;
  readonly verdict: Verdict;
  /** Rows concerned. */
  readonly count: number;
  /** Where the first of them are. */
  readonly places: readonly string[];
  /** What it means; empty where nothing was found. */
  readonly says: string;
}

/** Places that are kept of each finding. */
const PLACES = 3;

/** Counts rows, and remembers where the first ones are. */
export class Tally {
  #count = 0;
  readonly #places: string[] = [];

  get count(): number {
    return this.#count;
  }

  get places(): readonly string[] {
    return this.#places;
  }

  add(place: string): void {
    this.#count++;
    if (this.#places.length < PLACES) this.#places.push(place);
  }

  /** The finding of a check that takes any row it counted as `verdict` says. */
  finding(
    check: string,
    { verdict, says }: { verdict: Verdict; says: string },
  ): Finding {
    const { count, places } = this;
    return count === 0
      ? { check, verdict: "ok", count, places, says: "" }
      : { check, verdict, count, places, says };
  }
}
