import { hostData, type Program, type Tensors } from "../../onnx/session.ts";
import { newTokenFeeds, type NewTokens } from "../cached_decoder.ts";
import type { DecoderConfig } from "../config.ts";
import { KeyValueCache, type Span } from "../key_value_cache.ts";
import type { Sampler } from "../sample_token.ts";

/**
 * What ended a completion: `eos` a token that ends it, `stop` what it says,
 * `length` a limit.
 */
export type Finish = "eos" | "stop" | "length";

/** A completion in the making. */
export interface Row {
  /** That of its prompt among those that were given. */
  readonly number: number;
  readonly prompt: readonly number[];
  /** Tokens of the prompt and of the completion. */
  readonly seen: Set<number>;
  readonly uniform: () => number;
  readonly completion: {
    readonly ids: number[];
    readonly logProbs: number[];
    readonly samplingLogProbs: number[];
    /** `length` until something else ends it. */
    finish: Finish;
  };
}

/** What is the same for all rows. */
export interface BatchSettings {
  readonly config: DecoderConfig;
  readonly parameters: Tensors;
  readonly sample: Sampler;
  readonly maxNewTokens: number;
  readonly stopIds: ReadonlySet<number>;
  /** Whether the ids of a completion say enough. */
  readonly stop: (ids: readonly number[], prompt: number) => boolean;
  readonly onDone: (completions: readonly Row["completion"][]) => void;
}

/** Slots (prompts × longest) computed at once, unless one prompt has more. */
const PROMPT_SLOTS = 2048;

/** Completions computed together. */
export class Batch {
  readonly #program: Program;
  readonly #settings: BatchSettings;
  readonly #cache: KeyValueCache;
  /** Those that are not done, in the order of the cache. */
  #rows: readonly Row[];

  /** @param rows from the shortest prompt to the longest. */
  constructor(
    program: Program,
    rows: readonly Row[],
    settings: BatchSettings,
  ) {
    const { config, maxNewTokens } = settings;
    const longest = rows.at(-1)!.prompt.length;
    const capacity = Math.min(longest + maxNewTokens, config.maxPositions);
    this.#program = program;
    this.#settings = settings;
    this.#cache = new KeyValueCache(config, { rows: rows.length, capacity });
    this.#rows = rows;
  }

  async run(): Promise<void> {
    await this.#start();
    while (this.#rows.length > 0) await this.#step();
  }

  /** Computes each prompt once, for all of its completions. */
  async #start(): Promise<void> {
    const prompts = [...new Set(this.#rows.map(({ prompt }) => prompt))];
    const logits = new Map<Row["prompt"], ArrayLike<number>>();
    for (const part of longestFirst(prompts)) {
      const news = part.map((ids) => ({ ids, position: 0 }));
      const empty = { rows: part.length, capacity: 0 };
      const cache = new KeyValueCache(this.#settings.config, empty);
      const { found, outputs } = await this.#run(news, cache);
      part.forEach((prompt, i) => logits.set(prompt, found[i]!));
      const spans = spansOf(part);
      const spanOf = ({ prompt }: Row) => spans.get(prompt) ?? null;
      this.#cache.fill(outputs, this.#rows.map(spanOf));
    }
    this.#choose(this.#rows.map(({ prompt }) => logits.get(prompt)!));
  }

  /** Computes the newest token of each row. */
  async #step(): Promise<void> {
    const news = this.#rows.map(({ prompt, completion: { ids } }) => ({
      ids: ids.slice(-1),
      position: prompt.length + ids.length - 1,
    }));
    const { found, outputs } = await this.#run(news, this.#cache);
    this.#cache.append(outputs);
    this.#choose(found);
  }

  /** Logits after each row's new tokens, and these tokens' keys and values. */
  async #run(news: readonly NewTokens[], cache: KeyValueCache) {
    const { parameters, config: { vocabSize } } = this.#settings;
    const { logits, ...outputs } = await this.#program.run({
      ...parameters,
      ...newTokenFeeds(news, { filled: cache.slots }),
      ...cache.feeds,
    });
    const data = hostData(logits);
    const found = news.map((_, i) =>
      data.subarray(i * vocabSize, (i + 1) * vocabSize)
    );
    return { found, outputs };
  }

  /** Chooses a token for each row by its logits. */
  #choose(logits: readonly ArrayLike<number>[]): void {
    const { sample, stopIds, stop } = this.#settings;
    for (const [i, row] of this.#rows.entries()) {
      const { completion, number, seen } = row;
      const { id, logProb, samplingLogProb } = sample(logits[i]!, row);
      seen.add(id);
      completion.ids.push(id);
      completion.logProbs.push(logProb);
      completion.samplingLogProbs.push(samplingLogProb);
      if (stopIds.has(id)) completion.finish = "eos";
      else if (stop(completion.ids, number)) completion.finish = "stop";
    }
    this.#dropDone();
  }

  /** Whatever is done leaves at once: that costs less than another step. */
  #dropDone(): void {
    const rows = this.#rows;
    const live = [...rows.keys()].filter((i) => !this.#isDone(rows[i]!));
    if (live.length === rows.length) return;
    this.#cache.keep(live);
    this.#rows = live.map((i) => rows[i]!);
    const done = rows.filter((row) => this.#isDone(row));
    this.#settings.onDone(done.map(({ completion }) => completion));
  }

  #isDone({ prompt, completion: { ids, finish } }: Row): boolean {
    const { config, maxNewTokens } = this.#settings;
    return finish !== "length" || ids.length === maxNewTokens ||
      prompt.length + ids.length === config.maxPositions;
  }
}

/** Parts of prompts, which are in ascending order of length, that fit memory. */
function longestFirst(prompts: readonly Row["prompt"][]): Row["prompt"][][] {
  const parts: Row["prompt"][][] = [];
  for (let end = prompts.length; end > 0;) {
    const longest = prompts[end - 1]!.length;
    const start = end - Math.max(1, Math.floor(PROMPT_SLOTS / longest));
    parts.push(prompts.slice(Math.max(0, start), end));
    end = start;
  }
  return parts;
}

/** Where prompts lie in a stream of them. */
function spansOf(
  prompts: readonly Row["prompt"][],
): ReadonlyMap<Row["prompt"], Span> {
  let start = 0;
  return new Map(prompts.map((prompt) => {
    const { length } = prompt;
    start += length;
    return [prompt, { start: start - length, length }];
  }));
}
