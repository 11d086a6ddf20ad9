import type { DataKind } from "../example.ts";
import { type Finding, finding, Tally } from "./count_findings.ts";
import { joinedKey, type Key, keyOf, KeyTable } from "./key_table.ts";
import type { PreferenceRow } from "../preference_row.ts";

/** Keys of the rows of another file, to compare with. */
export interface SeenRows {
  readonly prompts: KeyTable;
  /** Prompts with all their completions, labels apart. */
  readonly contents: KeyTable;
}

export function seenRows(): SeenRows {
  return { prompts: new KeyTable(), contents: new KeyTable() };
}

/** Remembers a row. */
export function see(row: PreferenceRow, { prompts, contents }: SeenRows): void {
  const { prompt, content } = keysOf(row);
  prompts.set(prompt, 1);
  contents.set(content, 1);
}

interface Keys {
  readonly prompt: Key;
  readonly completions: readonly Key[];
  /** Key of the prompt with its completions. */
  readonly content: Key;
}

function keysOf(row: PreferenceRow): Keys {
  const prompt = keyOf(row.prompt);
  const completions = row.completions.map((completion) => keyOf(completion));
  return { prompt, completions, content: joinedKey(prompt, ...completions) };
}

/** Rows by their relation to earlier rows or to evaluation data. */
type Tallies = ReturnType<typeof newTallies>;

function newTallies() {
  return {
    duplicate: new Tally(),
    prompt: new Tally(),
    bothSides: new Tally(),
    reversed: new Tally(),
    row: new Tally(),
    leaked: new Tally(),
  };
}

/**
 * Looks for rows that repeat or contradict earlier ones, and for rows of an
 * evaluation file. It keeps a few 64-bit hashes of each row.
 */
export function repeats({ evaluation }: { evaluation?: SeenRows | undefined }) {
  const tally = newTallies();
  const prompts = new KeyTable();
  const addRow = earlierRows(tally);
  const contradicts = contradictions();
  return {
    add(row: PreferenceRow): void {
      const keys = keysOf(row);
      const { prompt, content } = keys;
      addRow(row, keys);
      if (prompts.get(prompt)) tally.prompt.add(row.location);
      prompts.set(prompt, 1);
      if (contradicts(row, keys)) tally.bothSides.add(row.location);
      if (evaluation?.contents.get(content)) tally.row.add(row.location);
      else if (evaluation?.prompts.get(prompt)) tally.leaked.add(row.location);
    },
    findings: (kind: DataKind): Finding[] => [
      ...within(tally, prompts.size),
      ...between(tally, kind),
      ...evaluation ? overlap(tally) : [],
    ],
  };
}

/** Counts rows that an earlier one repeats, as it is or the other way round. */
function earlierRows({ duplicate, reversed }: Tallies) {
  const numbers = new LocationNumbers();
  const rows = new KeyTable();
  return ({ location, label }: PreferenceRow, keys: Keys) => {
    const { prompt, completions, content } = keys;
    const key = label === undefined
      ? content
      : joinedKey(content, BigInt(label));
    const first = rows.get(key);
    if (first === undefined) rows.set(key, numbers.number(location));
    else duplicate.add(`${location} (as ${numbers.text(first, location)})`);
    const [a, b] = completions;
    if (completions.length !== 2 || a === b) return;
    const found = rows.get(joinedKey(prompt, b!, a!));
    if (found !== undefined) reversed.add(location);
  };
}

/** Sides on which a completion of a prompt has stood. */
const [GOOD, BAD] = [1, 2];

/** Tells whether a completion has stood on the other side of an earlier row. */
function contradictions() {
  const sides = new KeyTable();
  return ({ label }: PreferenceRow, { prompt, completions }: Keys) => {
    const seen = completions.map((completion, rank) => {
      const key = joinedKey(prompt, completion);
      const side = label ?? rank === 0 ? GOOD : BAD;
      return { key, side, before: sides.get(key) ?? 0 };
    });
    for (const { key, side } of seen) {
      sides.set(key, (sides.get(key) ?? 0) | side);
    }
    return seen.some(({ side, before }) =>
      before !== 0 && (before & side) === 0
    );
  };
}

function within({ duplicate, prompt }: Tallies, distinct: number): Finding[] {
  return [
    finding({
      check: "duplicate rows",
      verdict: "look",
      says: "they count twice in every epoch, and may stand in train and " +
        "eval after a split",
    }, duplicate),
    finding({
      check: "prompts seen before",
      verdict: "ok",
      says: `${distinct} are distinct: split by prompt, not by row`,
    }, prompt),
  ];
}

function between({ bothSides, reversed }: Tallies, kind: DataKind): Finding[] {
  if (kind === "labels") {
    return [finding({
      check: "answers labelled both ways",
      verdict: "wrong",
      says: "the same answer to the same prompt is desirable and is not",
    }, bothSides)];
  }
  return [
    finding({
      check: "answers chosen here and rejected there",
      verdict: "look",
      says: "for one prompt; that is as it should be where rankings were cut " +
        "into pairs",
    }, bothSides),
    finding({
      check: "pairs that contradict an earlier pair",
      verdict: "wrong",
      says: "the same two answers to the same prompt, the other way round",
    }, reversed),
  ];
}

function overlap({ row, leaked }: Tallies): Finding[] {
  return [
    finding({
      check: "rows that are in the evaluation data",
      verdict: "wrong",
      says: "evaluation measures what was trained on",
    }, row),
    finding({
      check: "other rows whose prompt is in the evaluation data",
      verdict: "look",
      says: "evaluation does not show what happens on new prompts",
    }, leaked),
  ];
}

/** Most rows of a file that can be told apart. */
const ROWS = 2 ** 40;

/**
 * Places of rows as numbers, which take less memory than text:
 * `pairs.jsonl, line 3`.
 */
export class LocationNumbers {
  readonly #starts: string[] = [];

  /** The number of a place; NaN where it does not end in a row's number. */
  number(location: string): number {
    const start = location.replace(/\d+$/, "");
    const row = Number(location.slice(start.length) || NaN);
    let file = this.#starts.lastIndexOf(start);
    if (file === -1) file = this.#starts.push(start) - 1;
    return file * ROWS + row;
  }

  /** The place of a number: `line 3`, after the file where it is not `where`'s. */
  text(number: number, location: string): string {
    const start = this.#starts[Math.floor(number / ROWS)];
    if (start === undefined) return "another";
    const place = `${start}${number % ROWS}`;
    return location.startsWith(start)
      ? place.slice(place.lastIndexOf(", ") + ", ".length)
      : place;
  }
}
