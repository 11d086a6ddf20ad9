import { hostData, type Program, type Tensors } from "../../onnx/session.ts";
import { newTokenFeeds, type NewTokens } from "./cached_decoder.ts";
import type { DecoderConfig } from "../config.ts";
import { KeyValueCache } from "./key_value_cache.ts";
import type { Sampler } from "./sample_token.ts";
import { computePrompts, type Found, type Prompt } from "./prompts.ts";

/**
 * What ended a completion: `eos` a token that ends it, `stop` what it says,
 * `length` a limit.
 */
export type Finish = "eos" | "stop" | "length";

/** A completion in the making. */
export interface Row {
  /** That of its prompt among those that were given. */
  readonly number: number;
  readonly prompt: Prompt;
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
    const logits = await computePrompts(prompts, {
      config: this.#settings.config,
      compute: (news, cache) => this.#compute(news, cache),
      fill: (news, spans) =>
        this.#cache.fill(
          news,
          this.#rows.map(({ prompt }) => spans.get(prompt) ?? null),
        ),
    });
    this.#choose(this.#rows.map(({ prompt }) => logits.get(prompt)!));
  }

  /** Computes the newest token of each row. */
  async #step(): Promise<void> {
    const news = this.#rows.map(({ prompt, completion: { ids } }) => ({
      ids: ids.slice(-1),
      position: prompt.length + ids.length - 1,
    }));
    const found = await this.#compute(news, this.#cache);
    this.#cache.append(found.news);
    this.#choose(found.logits);
  }

  async #compute(
    rows: readonly NewTokens[],
    cache: KeyValueCache,
  ): Promise<Found> {
    const { parameters, config: { vocabSize } } = this.#settings;
    const { logits, ...news } = await this.#program.run({
      ...parameters,
      ...newTokenFeeds(rows, { filled: cache.slots }),
      ...cache.feeds,
    });
    const data = hostData(logits);
    const logitsOf = (_: NewTokens, i: number) =>
      data.subarray(i * vocabSize, (i + 1) * vocabSize);
    return { logits: rows.map(logitsOf), news };
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
