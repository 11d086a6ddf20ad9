import { loadExamples } from "../data/load.ts";
import { tokenizerOf } from "./workloads.ts";

/** One process that tokenizes. */
export interface TokenizationJob {
  readonly model: string;
  /** File of preference pairs, which are read and tokenized as for training. */
  readonly data: string;
  /** Texts that are tokenized one by one, without anything around them. */
  readonly texts: readonly string[];
}

/** The speed of a process that tokenizes. */
export interface TokenizationTimes {
  /** Rows of the file, from reading to token ids. */
  readonly rowsPerSecond: number;
  readonly textsPerSecond: number;
  /** Tokens of all texts, on which tokenizers have to agree. */
  readonly tokens: number;
}

/** Tokenizes in this process; each number is of a second pass. */
export async function timeTokenization(
  { model, data, texts }: TokenizationJob,
): Promise<TokenizationTimes> {
  const tokenizer = await tokenizerOf(model);
  const { vocabularySize } = tokenizer;
  const options = { role: "bench", tokenizer, vocabularySize } as const;
  const load = async () =>
    (await loadExamples(data, { ...options, truncate: "end-or-drop" }))
      .examples.length;
  const count = () =>
    texts.reduce(
      (sum, text) =>
        sum + tokenizer.encode(text, { addSpecialTokens: false }).length,
      0,
    );
  const [rows, loading] = await timed(load);
  const [tokens, counting] = await timed(() => Promise.resolve(count()));
  return {
    rowsPerSecond: rows / loading,
    textsPerSecond: texts.length / counting,
    tokens,
  };
}

/** The result of a second call, and its seconds. */
async function timed(
  work: () => Promise<number>,
): Promise<[result: number, seconds: number]> {
  await work();
  const start = performance.now();
  const result = await work();
  return [result, (performance.now() - start) / 1000];
}
