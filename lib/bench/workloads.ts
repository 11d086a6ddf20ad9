import type { Example } from "../data/example.ts";
import { loadExamples } from "../data/load.ts";
import { rowTokens } from "../data/tree_batch.ts";
import { loadTokenizer, type Tokenizer } from "../data/tokenizer/tokenizer.ts";
import { modelFolder } from "../run/models.ts";

/** Preference pairs of a kind of length, as all trainers get them. */
export interface Workload {
  readonly name: "long" | "short";
  /** Pairs of an optimizer step. */
  readonly batch: number;
  /** Steps that are timed in each process. */
  readonly steps: number;
  /** Pairs that are used, the first that fit. */
  readonly pairs: number;
  /** Most tokens of a prompt; longer rows are left out. */
  readonly maxPrompt: number;
  /** Tokens at which prompt and completion together are cut. */
  readonly maxLength: number;
}

/** Conversations, and short questions with short answers. */
export const WORKLOADS = {
  long: {
    ...{ name: "long", batch: 4, steps: 1, pairs: 80 },
    ...{ maxPrompt: 480, maxLength: 512 },
  },
  short: {
    ...{ name: "short", batch: 8, steps: 2, pairs: 120 },
    ...{ maxPrompt: 480, maxLength: 512 },
  },
} as const satisfies Record<Workload["name"], Workload>;

/** Tokenizes the first pairs of a file that fit a workload. */
export async function workloadPairs(
  data: string,
  workload: Workload,
  model: string,
): Promise<readonly Example[]> {
  const { maxPrompt, maxLength, pairs: most } = workload;
  const tokenizer = await tokenizerOf(model);
  const { examples } = await loadExamples(data, {
    ...{ role: "bench", tokenizer, maxLength, truncate: "end-or-drop" },
    vocabularySize: tokenizer.vocabularySize,
  });
  const pairs = examples.filter(({ prompt, completions }) =>
    prompt.length <= maxPrompt && completions.length === 2
  ).slice(0, most);
  if (pairs.length >= 2 * workload.batch) return pairs;
  throw new RangeError(
    `Cannot measure on ${data}: found ${pairs.length} pairs with prompts of at most ${maxPrompt} tokens, expected ${
      2 * workload.batch
    }`,
  );
}

/** @throws Error for a model that has none. */
export async function tokenizerOf(model: string): Promise<Tokenizer> {
  const { folder } = await modelFolder(model);
  const tokenizer = await loadTokenizer(folder);
  if (tokenizer) return tokenizer;
  throw new Error(`Cannot tokenize for ${model}: it has no tokenizer`);
}

/** A pair as a line of a file that all trainers read. */
export function lineOf(
  { prompt, completions: [chosen, rejected] }: Example,
): string {
  const ids = {
    "prompt_ids": prompt,
    "chosen_ids": chosen,
    "rejected_ids": rejected,
  };
  return `${JSON.stringify(ids)}\n`;
}

/**
 * The pairs of one process: first a step of the shortest ones, to warm up, then
 * the steps of its round, which begin where those of the round before ended.
 */
export function pairsOfRound(
  pairs: readonly Example[],
  { round, steps, batch }: { round: number; steps: number; batch: number },
): Example[] {
  const byLength = pairs.toSorted((a, b) => rowTokens(a) - rowTokens(b));
  const size = steps * batch;
  const timed = Array.from(
    { length: size },
    (_, i) => pairs[(round * size + i) % pairs.length]!,
  );
  return [...byLength.slice(0, batch), ...timed];
}
