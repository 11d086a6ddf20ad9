import { freeTensors, type Tensors } from "../../onnx/tensors.ts";
import type { NewTokens } from "./cached_decoder.ts";
import type { Cache, NewCache, Span } from "./key_value_cache.ts";

/** Token ids of a prompt. */
export type Prompt = readonly number[];

/** A decoder's outputs for new tokens. */
export interface Computed {
  /** Logits after the last token of each row. */
  readonly logits: readonly ArrayLike<number>[];
  /** Keys and values of the new tokens. */
  readonly news: Tensors;
}

/** Computes new tokens of rows whose earlier ones a cache holds. */
export type Compute = (
  news: readonly NewTokens[],
  cache: Cache,
) => Promise<Computed>;

/** Slots (prompts × longest) computed at once, unless one prompt has more. */
const SLOTS = 2048;

/** Shared tokens below this many are not worth a run of their own. */
const LEAST_SHARED = 16;

/**
 * Computes prompts, in parts that fit memory. Tokens that they all begin with,
 * such as a system message or examples, are computed once where that saves half
 * of the tokens.
 *
 * @param prompts different ones, from the shortest to the longest.
 * @param options `fill` takes keys and values, and the span of each prompt's
 * among them; the longest prompt comes first.
 * @returns the logits after each prompt.
 */
export async function computePrompts(
  prompts: readonly Prompt[],
  { newCache, compute, fill }: {
    newCache: NewCache;
    compute: Compute;
    fill: (news: Tensors, spans: ReadonlyMap<Prompt, Span>) => Promise<void>;
  },
): Promise<Map<Prompt, ArrayLike<number>>> {
  const common = sharedBeginning(prompts);
  const empty = newCache({ rows: 1, capacity: 0 });
  const begun = common.length > 0 &&
    await compute([{ ids: common, position: 0 }], empty);
  // Rows of a cache go on by equally many tokens: short prompts compute the
  // end of the beginning again.
  const own = prompts.at(-1)!.length - common.length;
  const logits = new Map<Prompt, ArrayLike<number>>();
  for (const part of longestFirst(prompts)) {
    const begins = part.map((prompt) => beginning(prompt, own));
    const size = { rows: part.length, capacity: common.length };
    const cache = newCache(size);
    if (begun) {
      const starts = begins.map((span) => ({ ...span, before: 0 }));
      await cache.fill(begun.news, starts);
      await fill(begun.news, byPrompt(part, begins));
    }
    const rows = part.map((prompt, i) => {
      const { length: position } = begins[i]!;
      return { ids: prompt.slice(position), position };
    });
    const computed = await compute(rows, cache);
    await fill(computed.news, byPrompt(part, spansOf(rows)));
    part.forEach((prompt, i) => logits.set(prompt, computed.logits[i]!));
    freeTensors(computed.news);
    cache.release();
  }
  if (begun) freeTensors(begun.news);
  return logits;
}

/** The tokens that all prompts begin with; none where that saves little. */
function sharedBeginning(prompts: readonly Prompt[]): Prompt {
  const shortest = prompts[0]!;
  const at = shortest.findIndex((id, i) => prompts.some((p) => p[i] !== id));
  const common = at < 0 ? shortest : shortest.slice(0, at);
  if (common.length < LEAST_SHARED) return [];
  const own = prompts.at(-1)!.length - common.length;
  const sum = (of: (length: number) => number) =>
    prompts.reduce((total, { length }) => total + of(length), 0);
  const together = common.length + sum((length) => Math.min(length, own));
  return 2 * together <= sum((length) => length) ? common : [];
}

/** A prompt's tokens except the last `own`, in a stream of the shared ones. */
function beginning({ length }: Prompt, own: number): Span {
  const before = Math.min(length, own);
  return { start: 0, length: length - before, before };
}

function byPrompt(prompts: readonly Prompt[], spans: readonly Span[]) {
  return new Map(prompts.map((prompt, i) => [prompt, spans[i]!]));
}

/** Parts of prompts that are in ascending order of length. */
function longestFirst(prompts: readonly Prompt[]): Prompt[][] {
  const parts: Prompt[][] = [];
  for (let end = prompts.length; end > 0;) {
    const { length } = prompts[end - 1]!;
    const start = end - Math.max(1, Math.floor(SLOTS / length));
    parts.push(prompts.slice(Math.max(0, start), end));
    end = start;
  }
  return parts;
}

/** The span of each row in a stream of their tokens. */
function spansOf(rows: readonly NewTokens[]): Span[] {
  let start = 0;
  return rows.map(({ ids: { length } }) => {
    start += length;
    return { start: start - length, length };
  });
}
