import {
  type PostProcessor,
  RobertaProcessingPostProcessor,
  type Tokenizer,
} from "@huggingface/tokenizers";

/** Two texts as one row of ids. */
export interface EncodedPair {
  /** Ids of both, with special tokens around and between them. */
  readonly ids: readonly number[];
  /** Their `token_type_ids`: the text that each belongs to, 0 or 1. */
  readonly segments: readonly number[];
  /** Whether the first text lost its start. */
  readonly isCut: boolean;
}

/** A special token, or the place of a text. */
type Slot =
  & { readonly segment: number }
  & ({ readonly id: number } | { readonly text: number });

/** Ids that a tokenizer puts before and after a text. */
export function around(
  inner: Tokenizer,
): { prefix: number[]; suffix: number[] } {
  const slots = slotsOf(inner, 1);
  const at = slots.findIndex((slot) => "text" in slot);
  const ids = slots.map((slot) => "id" in slot ? slot.id : -1);
  return { prefix: ids.slice(0, at), suffix: ids.slice(at + 1) };
}

/**
 * Puts the ids of two texts together as a tokenizer does.
 *
 * @param options.maxLength most ids; the first text loses its start where there
 * are more.
 * @throws RangeError where even that leaves too many.
 */
export function joinPair(
  inner: Tokenizer,
  [first, second]: readonly [readonly number[], readonly number[]],
  { maxLength }: { maxLength: number },
): EncodedPair {
  const slots = slotsOf(inner, 2);
  const length = slots.length - 2 + first.length + second.length;
  const over = Math.max(0, length - maxLength);
  if (over > first.length) {
    throw new RangeError(
      `Cannot encode a pair: its second text has ${second.length} tokens, expected at most ${
        maxLength - slots.length + 2
      }`,
    );
  }
  const texts = [first.slice(over), second];
  const parts = slots.map(({ segment, ...slot }) => ({
    segment,
    ids: "text" in slot ? texts[slot.text]! : [slot.id],
  }));
  return {
    ids: parts.flatMap(({ ids }) => ids),
    segments: parts.flatMap(({ ids, segment }) => ids.map(() => segment)),
    isCut: over > 0,
  };
}

/** Stand for the texts; no token can be the empty text or a lone surrogate. */
const TEXTS = ["", "\ud800"];

/** @throws Error where the post-processor names no token, or leaves a text out. */
function slotsOf(inner: Tokenizer, texts: 1 | 2): Slot[] {
  const { post_processor: processor } = inner;
  const marks = TEXTS.slice(0, texts);
  const { tokens, segments } = processor
    ? processed(processor, marks)
    : { tokens: marks, segments: marks.map((_, i) => i) };
  const left = marks.findIndex((mark) => !tokens.includes(mark));
  if (left !== -1) {
    throw new Error(`post_processor leaves out text ${left + 1} of ${texts}`);
  }
  return tokens.map((token, i) => {
    const segment = segments[i]!;
    const text = marks.indexOf(token);
    if (text !== -1) return { text, segment };
    const id = inner.token_to_id(token);
    if (id !== undefined) return { id, segment };
    throw new Error(`post_processor has ${JSON.stringify(token)}, no token`);
  });
}

function processed(processor: PostProcessor, marks: readonly string[]) {
  const { tokens: joined, tokens_pair: apart, token_type_ids: types } =
    processor.post_process(...marks.map((mark) => [mark]) as [string[]]);
  const tokens = [...joined, ...apart ?? []];
  // In the original library RoBERTa's texts are one segment.
  const isOne = processor instanceof RobertaProcessingPostProcessor;
  const segments = types ?? tokens.map((_, i) => i);
  return { tokens, segments: isOne ? segments.map(() => 0) : segments };
}
