import { Graph } from "../onnx/graph.ts";
import {
  compile,
  type CompileOptions,
  hostData,
  type Program,
  type Tensor,
  type Tensors,
} from "../onnx/session.ts";
import {
  cachedDecoder,
  newTokenFeeds,
  type NewTokens,
} from "./cached_decoder.ts";
import type { DecoderConfig } from "./config.ts";
import { KeyValueCache, type Span } from "./key_value_cache.ts";
import type { Policy } from "./policy.ts";
import { type Sampler, sampler, type Sampling } from "./sample_token.ts";

/** What follows a prompt. */
export interface Completion {
  /** With the token that ends it, if it is finished. */
  readonly ids: readonly number[];
  /** Whether a stop token ended it, rather than a limit. */
  readonly finished: boolean;
}

export interface GenerateOptions extends Sampling {
  /** The trained parameters, by name. */
  readonly parameters: Tensors;
  /** Random numbers of a completion; labels are `prompt/sample`, from 0. */
  readonly stream: (label: string) => { uniform(): number };
  readonly maxNewTokens: number;
  /** Completions of each prompt. @default 1 */
  readonly samples?: number;
  /** Tokens that end a completion. @default config.eosIds */
  readonly stopIds?: readonly number[];
  /** Completions computed together. @default 256 */
  readonly batch?: number;
  /** Is told of completions when they are done. */
  readonly onDone?: (completions: readonly Completion[]) => void;
}

/** A policy compiled to continue prompts. */
export interface Generator {
  /**
   * Continues each prompt `samples` times. What is drawn depends on the
   * streams alone, not on how completions fall into batches. At the last of
   * the model's positions a completion ends.
   *
   * @returns the completions of each prompt.
   * @throws RangeError for a prompt that is empty, too long or has unknown
   * ids, and for an option out of its range, before anything is computed.
   */
  generate(
    prompts: readonly (readonly number[])[],
    options: GenerateOptions,
  ): Promise<Completion[][]>;
  release(): Promise<void>;
}

/** Compiles a policy for generation. */
export async function createGenerator(
  policy: Policy,
  options: CompileOptions = {},
): Promise<Generator> {
  const { config } = policy;
  const graph = new Graph();
  const outputs = cachedDecoder(graph, config, policy.parameters(graph));
  const program = await compile(outputs, options);
  return {
    generate: async (prompts, options) => {
      const settings = settle(config, options);
      prompts.forEach((prompt, i) => checkPrompt(config, prompt, i));
      const rows = prompts.map((prompt, i) => newRows(prompt, i, settings));
      // Shorter prompts leave slots of a batch empty: equal ones go together.
      const queue = rows.flat()
        .sort((a, b) => a.prompt.length - b.prompt.length);
      for (let i = 0; i < queue.length; i += settings.batch) {
        const some = queue.slice(i, i + settings.batch);
        await new Batch(program, some, settings).run();
      }
      return rows.map((some) => some.map(({ completion }) => completion));
    },
    release: () => program.release(),
  };
}

/** Options with their defaults. */
type Settings =
  & Required<Omit<GenerateOptions, keyof Sampling | "stopIds">>
  & {
    readonly config: DecoderConfig;
    readonly stopIds: ReadonlySet<number>;
    readonly sample: Sampler;
  };

function settle(
  config: DecoderConfig,
  {
    samples = 1,
    stopIds = config.eosIds,
    batch = 256,
    onDone = () => {},
    ...rest
  }: GenerateOptions,
): Settings {
  const { maxNewTokens } = rest;
  for (const [name, n] of Object.entries({ maxNewTokens, samples, batch })) {
    if (Number.isInteger(n) && n > 0) continue;
    throw new RangeError(
      `Cannot generate with ${name} ${n}: expected an integer of at least 1`,
    );
  }
  return {
    ...rest,
    config,
    samples,
    stopIds: new Set(stopIds),
    batch,
    onDone,
    sample: sampler(rest),
  };
}

function checkPrompt(
  { vocabSize, maxPositions }: DecoderConfig,
  prompt: readonly number[],
  number: number,
): void {
  const refuse = (found: string) => {
    throw new RangeError(`Cannot continue prompt ${number}: ${found}`);
  };
  if (prompt.length === 0) refuse("it is empty, expected at least one token");
  if (prompt.length >= maxPositions) {
    refuse(
      `it has ${prompt.length} tokens, expected fewer than the model's ${maxPositions} positions`,
    );
  }
  const stray = prompt.find((id) => !(id >= 0 && id < vocabSize));
  if (stray !== undefined) {
    refuse(`it has the id ${stray}, expected ids below ${vocabSize}`);
  }
}

/** A completion in the making. */
interface Row {
  readonly prompt: readonly number[];
  readonly uniform: () => number;
  readonly completion: { ids: number[]; finished: boolean };
}

function newRows(
  prompt: readonly number[],
  number: number,
  { samples, stream }: Settings,
): Row[] {
  return Array.from({ length: samples }, (_, sample) => {
    const random = stream(`${number}/${sample}`);
    const uniform = () => random.uniform();
    return { prompt, uniform, completion: { ids: [], finished: false } };
  });
}

/** Completions computed together. */
class Batch {
  readonly #program: Program;
  readonly #settings: Settings;
  readonly #cache: KeyValueCache;
  /** Those that are not done, in the order of the cache. */
  #rows: readonly Row[];

  constructor(program: Program, rows: readonly Row[], settings: Settings) {
    const { config, maxNewTokens } = settings;
    const longest = Math.max(...rows.map(({ prompt }) => prompt.length));
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
    const news = prompts.map((ids) => ({ ids, position: 0 }));
    const cache = new KeyValueCache(this.#settings.config, {
      rows: prompts.length,
      capacity: 0,
    });
    const { logits, ...outputs } = await this.#run(news, cache);
    const numbers = new Map(prompts.map((prompt, i) => [prompt, i]));
    const sources = this.#rows.map(({ prompt }) => numbers.get(prompt)!);
    const spans = spansOf(prompts);
    this.#cache.fill(outputs, sources.map((i) => spans[i]!));
    this.#choose(logits, sources);
  }

  /** Computes the newest token of each row. */
  async #step(): Promise<void> {
    const news = this.#rows.map(({ prompt, completion: { ids } }) => ({
      ids: ids.slice(-1),
      position: prompt.length + ids.length - 1,
    }));
    const { logits, ...outputs } = await this.#run(news, this.#cache);
    this.#cache.append(outputs);
    this.#choose(logits, [...this.#rows.keys()]);
  }

  #run(news: readonly NewTokens[], cache: KeyValueCache) {
    return this.#program.run({
      ...this.#settings.parameters,
      ...newTokenFeeds(news, { filled: cache.slots }),
      ...cache.feeds,
    });
  }

  /** Chooses a token for each row, by the logits that it is the source of. */
  #choose(tensor: Tensor | undefined, sources: readonly number[]): void {
    const { config: { vocabSize }, sample, stopIds } = this.#settings;
    const logits = hostData(tensor);
    for (const [i, { completion, uniform }] of this.#rows.entries()) {
      const at = sources[i]! * vocabSize;
      const id = sample(logits.subarray(at, at + vocabSize), uniform);
      completion.ids.push(id);
      completion.finished = stopIds.has(id);
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

  #isDone({ prompt, completion: { ids, finished } }: Row): boolean {
    const { config, maxNewTokens } = this.#settings;
    return finished || ids.length === maxNewTokens ||
      prompt.length + ids.length === config.maxPositions;
  }
}

function spansOf(prompts: readonly (readonly number[])[]): Span[] {
  let start = 0;
  return prompts.map(({ length }) => {
    start += length;
    return { start: start - length, length };
  });
}
