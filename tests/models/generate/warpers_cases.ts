import type { Sampling } from "lib/models/generate/warpers.ts";
import { fixture } from "../../places.ts";

/** Logits, and what transformers makes of them. */
export interface WarperCase {
  readonly kind: string;
  readonly settings: Sampling;
  /** Prompt and completion so far. */
  readonly ids: readonly number[];
  readonly logits: Float64Array;
  readonly scores: Float64Array;
  /** Whether it is not settled which of several tokens are kept. */
  readonly tied: boolean;
}

type Numbers = readonly (number | null)[];

const FIXTURE = fixture("warpers.jsonl");

/** The cases that fixtures/warpers.py has made. */
export const CASES: readonly WarperCase[] = Deno.readTextFileSync(FIXTURE)
  .trimEnd().split("\n").slice(1).map((line) => {
    const { logits, scores, ...rest } = JSON.parse(line);
    return { ...rest, logits: numbers(logits), scores: numbers(scores) };
  });

function numbers(list: Numbers): Float64Array {
  return Float64Array.from(list, (x) => x ?? -Infinity);
}
