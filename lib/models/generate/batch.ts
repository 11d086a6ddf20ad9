import type { Program } from "../../onnx/program.ts";
import {
  freeTensors,
  hostData,
  type HostTensor,
  type Tensor,
  type Tensors,
} from "../../onnx/tensors.ts";
import { type Draw, drawFeeds, readDrawn } from "./draw.ts";
import { newTokenFeeds, type NewTokens } from "./cached_decoder.ts";
import type { DecoderConfig } from "../config.ts";
import type { Cache, NewCache } from "./key_value_cache.ts";
import type { Drawn, Sampler } from "./sample_token.ts";
import { type Computed, computePrompts, type Prompt } from "./prompts.ts";

/**
 * Why a completion ended: `eos` by a token that ends it, `stop` by the caller's
 * condition, `length` at a limit.
 */
export type Finish = "eos" | "stop" | "length";

/** A prompt and its unfinished completion. */
export interface Sequence {
  /** The number of its prompt among those that were given. */
  readonly number: number;
  readonly prompt: Prompt;
  /** Tokens of the prompt and of the completion, each once. */
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

/** Options that all sequences share. */
export interface BatchOptions {
  readonly config: DecoderConfig;
  readonly newCache: NewCache;
  readonly parameters: Tensors;
  readonly sample: Sampler;
  /**
   * The temperature at which the decoder itself draws; `null` where logits are
   * to come back.
   */
  readonly drawsAt: number | null;
  readonly maxNewTokens: number;
  readonly stopIds: ReadonlySet<number>;
  /** Whether a completion is to end after these ids. */
  readonly stop: (ids: readonly number[], prompt: number) => boolean;
  readonly onDone: (completions: readonly Sequence["completion"][]) => void;
}

/** Completes sequences together. */
export class Batch {
  readonly #program: Program;
  readonly #options: BatchOptions;
  readonly #cache: Cache;
  /** Memory of the logits of a step. */
  readonly #logits: Float32Array<ArrayBuffer>;
  /** The sequences that are not done, in the order of the cache's rows. */
  #sequences: readonly Sequence[];

  /** @param sequences from the shortest prompt to the longest. */
  constructor(
    program: Program,
    sequences: readonly Sequence[],
    options: BatchOptions,
  ) {
    const { config, newCache, maxNewTokens } = options;
    const shortest = sequences[0]!.prompt.length;
    const longest = sequences.at(-1)!.prompt.length;
    // All rows end at the same slot: a short one goes on after the longest.
    const most = Math.min(maxNewTokens, config.maxPositions - shortest);
    this.#program = program;
    this.#options = options;
    this.#cache = newCache({
      rows: sequences.length,
      capacity: longest + most,
    });
    this.#logits = new Float32Array(sequences.length * config.vocabSize);
    this.#sequences = sequences;
  }

  async run(): Promise<void> {
    try {
      await this.#start();
      while (this.#sequences.length > 0) await this.#step();
    } finally {
      this.#cache.release();
    }
  }

  /** Computes each prompt once, for all of its completions. */
  async #start(): Promise<void> {
    const prompts = [...new Set(this.#sequences.map(({ prompt }) => prompt))];
    const logits = await computePrompts(prompts, {
      newCache: this.#options.newCache,
      compute: (news, cache) =>
        this.#compute(news, cache, { logits: this.#freshLogits(news.length) }),
      fill: (news, spans) =>
        this.#cache.fill(
          news,
          this.#sequences.map(({ prompt }) => spans.get(prompt) ?? null),
        ),
    });
    const { sample } = this.#options;
    await this.#add(
      this.#sequences.map((sequence) =>
        sample(logits.get(sequence.prompt)!, sequence)
      ),
    );
  }

  /** Computes the newest token of each sequence, and draws the next one. */
  async #step(): Promise<void> {
    const news = this.#sequences.map(({ prompt, completion: { ids } }) => ({
      ids: ids.slice(-1),
      position: prompt.length + ids.length - 1,
    }));
    const { drawsAt } = this.#options;
    await this.#add(
      drawsAt === null
        ? await this.#sampled(news)
        : await this.#drawn(news, drawsAt),
    );
  }

  /** Draws by logits that come back. */
  async #sampled(rows: readonly NewTokens[]): Promise<Drawn[]> {
    const cache = this.#cache;
    const computed = await this.#compute(rows, cache, {
      logits: this.#logitsOf(rows.length),
      ...cache.nextSlot,
    });
    cache.advance(computed.news);
    return computed.logits.map((logits, i) =>
      this.#options.sample(logits, this.#sequences[i]!)
    );
  }

  /** Lets the decoder draw: the tokens alone come back. */
  async #drawn(
    rows: readonly NewTokens[],
    temperature: number,
  ): Promise<Drawn[]> {
    const uniforms = this.#sequences.map(({ uniform }) =>
      temperature === 0 ? 0 : uniform()
    );
    const draw = { uniforms, temperature };
    const into = this.#cache.nextSlot;
    const outputs = await this.#run(rows, this.#cache, { draw, into });
    const { logits, drawn, ...news } = outputs;
    freeTensors({ logits: logits! });
    this.#cache.advance(news);
    return readDrawn(hostData(drawn), draw);
  }

  #freshLogits(rows: number): HostTensor {
    const { vocabSize } = this.#options.config;
    const data = new Float32Array(rows * vocabSize);
    return { data, shape: [rows, vocabSize] };
  }

  /** Memory that each step writes to. */
  #logitsOf(rows: number): HostTensor {
    const { vocabSize } = this.#options.config;
    const data = this.#logits.subarray(0, rows * vocabSize);
    return { data, shape: [rows, vocabSize] };
  }

  async #compute(
    rows: readonly NewTokens[],
    cache: Cache,
    into: Tensors,
  ): Promise<Computed> {
    const { vocabSize } = this.#options.config;
    const { logits, drawn: _, ...news } = await this.#run(rows, cache, {
      draw: { uniforms: rows.map(() => 0), temperature: 1 },
      into,
    });
    const data = hostData(logits);
    const logitsOf = (_: NewTokens, i: number) =>
      data.subarray(i * vocabSize, (i + 1) * vocabSize);
    return { logits: rows.map(logitsOf), news };
  }

  #run(
    rows: readonly NewTokens[],
    cache: Cache,
    { draw, into }: { draw: Draw; into: Tensors },
  ): Promise<Record<string, Tensor>> {
    return this.#program.run({
      ...this.#options.parameters,
      ...newTokenFeeds(rows, { filled: cache.slots }),
      ...drawFeeds(draw),
      ...cache.feeds,
    }, into);
  }

  /** Adds a token to each sequence. */
  async #add(tokens: readonly Drawn[]): Promise<void> {
    const { stopIds, stop } = this.#options;
    for (const [i, sequence] of this.#sequences.entries()) {
      const { completion, number, seen } = sequence;
      const { id, logProb, samplingLogProb } = tokens[i]!;
      seen.add(id);
      completion.ids.push(id);
      completion.logProbs.push(logProb);
      completion.samplingLogProbs.push(samplingLogProb);
      if (stopIds.has(id)) completion.finish = "eos";
      else if (stop(completion.ids, number)) completion.finish = "stop";
    }
    await this.#dropDone();
  }

  /** Drops sequences as soon as they are done: that costs less than a step. */
  async #dropDone(): Promise<void> {
    const all = this.#sequences;
    const live = [...all.keys()].filter((i) => !this.#isDone(all[i]!));
    if (live.length === all.length) return;
    if (live.length > 0) await this.#cache.keep(live);
    this.#sequences = live.map((i) => all[i]!);
    const done = all.filter((sequence) => this.#isDone(sequence));
    this.#options.onDone(done.map(({ completion }) => completion));
  }

  #isDone({ prompt, completion: { ids, finish } }: Sequence): boolean {
    const { config, maxNewTokens } = this.#options;
    return finish !== "length" || ids.length === maxNewTokens ||
      prompt.length + ids.length === config.maxPositions;
  }
}
