import { BoundaryError, type SplitRow } from "./split_conversation.ts";
import type { TokenRow } from "../example.ts";
import type { Part } from "./left_out.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";

/** Policies for a row in which a token spans a boundary. */
export const BOUNDARIES = ["separate", "shift", "drop", "error"] as const;
/** One of {@linkcode BOUNDARIES}. */
export type Boundary = typeof BOUNDARIES[number];

/** The token ids of one row. */
export interface EncodedRow extends TokenRow {
  /** Whether a token spans a boundary. */
  readonly boundaryShifted: boolean;
  /** The first special token that is written out in contents, if there is one. */
  readonly specialInText?: string;
  /** Parts that the template leaves out; absent where there are none. */
  readonly leftOut?: readonly Part[];
}

/** Ids of a completion with its prompt: span by span, and all at once. */
interface Encoded {
  readonly texts: readonly string[];
  /** Whether each span after the prompt is scored. */
  readonly scored: readonly boolean[];
  readonly apart: readonly (readonly number[])[];
  readonly together: readonly number[];
}

/**
 * Tokenizes the spans of a row. The policy `boundary` decides where a token
 * spans a boundary between them.
 *
 * @throws BoundaryError where the policy is `drop` or `error`.
 */
export function tokenizeSpans(
  { prompt, completions, shifted = false }: SplitRow,
  { tokenizer, boundary }: { tokenizer: Tokenizer; boundary: Boundary },
): EncodedRow {
  const [ids] = tokenizer.encodeParts([prompt]);
  const apart = completions.map((spans) =>
    tokenizer.encodeParts([prompt, ...spans.map(({ text }) => text)])
  );
  const all = completions.map((spans, k): Encoded => {
    const texts = [prompt, ...spans.map(({ text }) => text)];
    return {
      texts,
      scored: spans.map(({ scored }) => scored),
      apart: apart[k]!,
      together: tokenizer.encodeParts([texts.join("")])[0]!,
    };
  });
  const spanned = all.find(({ apart, together }) =>
    !isSame(apart.flat(), together)
  );
  if (spanned && (boundary === "drop" || boundary === "error")) {
    throw spannedError(spanned, tokenizer);
  }
  const row = spanned && boundary === "shift"
    ? shift(ids!, all, tokenizer)
    : { prompt: ids!, ...separate(all) };
  return { ...row, boundaryShifted: shifted || spanned !== undefined };
}

function separate(all: readonly Encoded[]) {
  return {
    completions: all.map(({ apart }) => apart.slice(1).flat()),
    ...lossMaskOf(
      all.map(({ apart, scored }) =>
        scored.flatMap((mark, i) => apart[i + 1]!.map(() => mark))
      ),
    ),
  };
}

/** Moves boundaries left to the last token that both ways have in common. */
function shift(
  prompt: readonly number[],
  all: readonly Encoded[],
  tokenizer: Tokenizer,
) {
  const ends = all.map(({ texts, together }) =>
    texts.map((_, i) => {
      const [ids] = tokenizer.encodeParts([texts.slice(0, i + 1).join("")]);
      return commonLength(ids!, together);
    })
  );
  const start = Math.min(...ends.map(([end]) => end!));
  return {
    prompt: prompt.slice(0, start),
    completions: all.map(({ together }) => together.slice(start)),
    ...lossMaskOf(
      all.map(({ together, scored }, k) =>
        together.slice(start).map((_, i) => {
          const span = ends[k]!.slice(1).findIndex((end) => start + i < end);
          return scored[span]!;
        })
      ),
    ),
  };
}

/** The mask, or nothing where all tokens are scored. */
function lossMaskOf(lossMask: boolean[][]): { lossMask?: boolean[][] } {
  return lossMask.flat().includes(false) ? { lossMask } : {};
}

function spannedError(
  { apart, together }: Encoded,
  { decode }: Tokenizer,
): BoundaryError {
  const at = commonLength(apart.flat(), together);
  const [parted, joined] = [apart.flat(), together].map((ids) =>
    JSON.stringify(decode(ids.slice(at, at + 1)))
  );
  return new BoundaryError(
    "spanned",
    `a token spans the end of a prompt or turn: apart the text goes on ` +
      `with ${parted}, together with ${joined}`,
  );
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && commonLength(a, b) === a.length;
}

function commonLength(a: readonly number[], b: readonly number[]): number {
  const end = a.findIndex((id, i) => id !== b[i]);
  return end === -1 ? a.length : end;
}
