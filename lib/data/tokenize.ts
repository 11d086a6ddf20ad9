import { type EncodedRow, encodeRow } from "./encode_row.ts";
import type { DropReason, Example, ExampleSet } from "./example.ts";
import type { PreferenceRows } from "./formats.ts";
import type { Tokenizer } from "./tokenizer.ts";

/**
 * What becomes of a row over a length limit or with an empty side. `cut`: a
 * completion that does not fit loses its end. `drop`: a row that cannot be
 * used is left out and counted; otherwise it is an error.
 */
const TRUNCATIONS = {
  "end": { cut: true, drop: false },
  "end-or-drop": { cut: true, drop: true },
  "drop": { cut: false, drop: true },
  "error": { cut: false, drop: false },
};

/** What to do with rows over a limit, by name. */
export type Truncation = keyof typeof TRUNCATIONS;

/** Every {@linkcode Truncation}, for a parser of settings. */
export const truncations = Object.keys(TRUNCATIONS) as Truncation[];

/** Options for {@linkcode tokenizeRows}. */
export interface TokenizeOptions {
  /** `null` will do for rows of token ids. */
  readonly tokenizer: Tokenizer | null;
  /** What ids must be below: the rows of the model's embedding. */
  readonly vocabularySize: number;
  /** Most tokens of a prompt and one of its completions together. @default Infinity */
  readonly maxLength?: number;
  /** Most tokens of a prompt; a prompt is never cut. @default Infinity */
  readonly maxPromptLength?: number;
  /**
   * `end` cuts completions that do not fit at their end, and takes a row that
   * this cannot help (a prompt that leaves no room, an empty prompt or
   * completion) for an error; `end-or-drop` leaves such rows out instead;
   * `drop` leaves out every row that does not fit as it is; `error` refuses
   * them all.
   *
   * @default "end"
   */
  readonly truncate?: Truncation;
}

const NONE: Readonly<Record<DropReason, number>> = {
  emptyPrompt: 0,
  emptyCompletion: 0,
  longPrompt: 0,
  longCompletion: 0,
};

type Limits = Required<Omit<TokenizeOptions, "tokenizer" | "vocabularySize">>;

/**
 * Tokenizes rows, see `encodeRow()`, and holds them to length limits. Rows of
 * token ids are held to the same limits and otherwise stay as they are.
 *
 * @throws an error that names file and row: what `encodeRow()` throws, an id
 * outside the vocabulary, or a row that `truncate` does not allow; also when
 * no row is left.
 */
export function tokenizeRows(
  { kind, rows }: PreferenceRows,
  {
    tokenizer,
    vocabularySize,
    maxLength = Infinity,
    maxPromptLength = Infinity,
    truncate = "end",
  }: TokenizeOptions,
): ExampleSet {
  const limits = { maxLength, maxPromptLength, truncate };
  const dropped = { ...NONE };
  const kept = rows.flatMap((row) => {
    const encoded = { ...encodeRow(row, tokenizer), label: row.label };
    checkIds(encoded, { vocabularySize, where: row.where });
    const reason = reasonToDrop(encoded, { ...limits, where: row.where });
    if (reason !== null) dropped[reason]++;
    return reason === null ? [encoded] : [];
  });
  if (kept.length === 0) {
    const first = rows[0]!.where;
    throw new Error(
      `Cannot use the rows from ${first} on: all ${rows.length} were dropped, ` +
        Object.entries(dropped).map(([why, n]) => `${why} ${n}`).join(", "),
    );
  }
  const examples = kept.map((row) => example(row, maxLength));
  const counts = {
    rows: rows.length,
    dropped,
    truncated: kept.filter((row) => longest(row) > maxLength).length,
    boundaryShifted: kept.filter((row) => row.boundaryShifted).length,
    unterminated: countWithout(tokenizer?.eosId ?? null, examples),
  };
  return { kind, examples, counts };
}

/** `null` for a row to keep. Throws where `truncate` has rows not dropped. */
function reasonToDrop(
  row: EncodedRow,
  { where, ...limits }: Limits & { where: string },
): DropReason | null {
  const obstacle = findObstacle(row, limits);
  if (obstacle === null) return null;
  if (TRUNCATIONS[limits.truncate].drop) return obstacle.reason;
  throw new Error(
    `Cannot use ${where}: ${obstacle.found} ` +
      `(truncate "${limits.truncate}"; "end-or-drop" leaves such rows out)`,
  );
}

/** What is wrong with a row, the first thing. */
function findObstacle(
  row: EncodedRow,
  { maxLength, maxPromptLength, truncate }: Limits,
): { reason: DropReason; found: string } | null {
  const { prompt: { length }, completions } = row;
  if (length === 0) {
    const found = "its prompt has no token, not even a BOS";
    return { reason: "emptyPrompt", found };
  }
  if (completions.some((ids) => ids.length === 0)) {
    return { reason: "emptyCompletion", found: "it has an empty completion" };
  }
  if (length > maxPromptLength) {
    const found =
      `its prompt has ${length} tokens, more than ${maxPromptLength}`;
    return { reason: "longPrompt", found };
  }
  if (length >= maxLength) {
    const found = `its prompt has ${length} tokens, ` +
      `which leaves no room for a completion within ${maxLength}`;
    return { reason: "longPrompt", found };
  }
  if (longest(row) > maxLength && !TRUNCATIONS[truncate].cut) {
    const found = `it has ${longest(row)} tokens, more than ${maxLength}`;
    return { reason: "longCompletion", found };
  }
  return null;
}

/** Length of the prompt with the longest completion. */
function longest({ prompt, completions }: EncodedRow): number {
  return prompt.length + Math.max(...completions.map((ids) => ids.length));
}

function example(
  { prompt, completions, label }: EncodedRow & { label: boolean | undefined },
  maxLength: number,
): Example {
  const room = maxLength - prompt.length;
  const fitting = completions.map((ids) => ids.slice(0, room));
  return {
    prompt,
    completions: fitting,
    ...label === undefined ? {} : { label },
  };
}

function countWithout(
  eosId: number | null,
  examples: readonly Example[],
): number | null {
  if (eosId === null) return null;
  const all = examples.flatMap(({ completions }) => completions);
  return all.filter((ids) => !ids.includes(eosId)).length;
}

function checkIds(
  { prompt, completions }: EncodedRow,
  { vocabularySize, where }: { vocabularySize: number; where: string },
): void {
  for (const ids of [prompt, ...completions]) {
    const wrong = ids.find((id) =>
      !Number.isInteger(id) || id < 0 || id >= vocabularySize
    );
    if (wrong === undefined) continue;
    throw new RangeError(
      `Cannot use ${where}: token id ${wrong} is not in the vocabulary; ` +
        `expected integers from 0 to ${vocabularySize - 1}`,
    );
  }
}
