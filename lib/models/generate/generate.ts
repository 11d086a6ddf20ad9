import { Graph } from "../../onnx/graph/graph.ts";
import type { Program } from "../../onnx/program.ts";
import { compile, type CompileOptions } from "../../onnx/session.ts";
import type { Tensors } from "../../onnx/tensors.ts";
import { cachedDecoder } from "./cached_decoder.ts";
import type { DecoderConfig } from "../config.ts";
import {
  Batch,
  type BatchOptions,
  type Finish,
  type Sequence,
} from "./batch.ts";
import { isPlain } from "./draw.ts";
import { compileArranger, DeviceCache } from "./device_cache.ts";
import { KeyValueCache, type NewCache } from "./key_value_cache.ts";
import type { Policy } from "../policy.ts";
import { sampler } from "./sample_token.ts";
import type { Sampling } from "./warpers.ts";

/** A continuation of a prompt. */
export interface Completion {
  /** Its tokens, with the one that ends it and all that made it stop. */
  readonly ids: readonly number[];
  /** Log-probability of each token under the model itself, see `Drawn`. */
  readonly logProbs: readonly number[];
  /** Log-probability with which each token was drawn, see `Drawn`. */
  readonly samplingLogProbs: readonly number[];
  /** Why it ended. */
  readonly finish: Finish;
}

/** Options of {@linkcode Generator.generate}. */
export interface GenerateOptions extends Sampling {
  /** The trained parameters, by name. */
  readonly parameters: Tensors;
  /**
   * Gives the random numbers of a completion by its label `prompt/sample`, where
   * samples count from 0.
   */
  readonly stream: (label: string) => { uniform(): number };
  /** Names of the prompts in labels. @default their numbers, from 0 */
  readonly names?: readonly string[];
  /** Most tokens of a completion. */
  readonly maxNewTokens: number;
  /** Completions of each prompt. @default 1 */
  readonly samples?: number;
  /** Tokens that end a completion. @default config.eosIds */
  readonly stopIds?: readonly number[];
  /**
   * Whether a completion is to end after these ids; asked after each token,
   * with the number of the prompt. @default never
   */
  readonly stop?: (ids: readonly number[], prompt: number) => boolean;
  /** Completions computed together. @default 256 */
  readonly batch?: number;
  /** Called with completions when they are done. */
  readonly onDone?: (completions: readonly Completion[]) => void;
}

/** A policy compiled to continue prompts. */
export interface Generator {
  /**
   * Continues each prompt `samples` times. A completion ends at the last of the
   * model's positions.
   *
   * The tokens drawn depend on the streams alone, not on how completions fall
   * into batches, except through rounding: the size of a batch and the longest
   * prompt in it change the last bits of logits, and so a token whose random
   * number falls that close to the border between two.
   *
   * @returns the completions of each prompt.
   * @throws RangeError for a prompt that is empty, too long or has unknown
   * ids, and for an option out of its range, before anything is computed.
   */
  generate(
    prompts: readonly (readonly number[])[],
    options: GenerateOptions,
  ): Promise<Completion[][]>;
  /** Frees the compiled graphs. */
  release(): Promise<void>;
}

/**
 * Compiles a policy for generation. Its frozen weights in float32 are packed,
 * unless `options` say otherwise: a step computes one token of each completion,
 * for which packing them anew takes half as long as the products themselves.
 */
export async function createGenerator(
  policy: Policy,
  options: CompileOptions = {},
): Promise<Generator> {
  const { config } = policy;
  const program = await compileDecoder(policy, options);
  const caches = await compileCaches(config, options);
  const isResident = options.device && options.device !== "cpu";
  return {
    generate: async (prompts, options) => {
      const resolved = {
        ...resolveOptions(config, options),
        newCache: caches.newCache,
        drawsAt: isResident && isPlain(options)
          ? options.temperature ?? 1
          : null,
      };
      prompts.forEach((prompt, i) => checkPrompt(config, prompt, i));
      const sequences = newSequences(prompts, resolved);
      // Shorter prompts leave slots of a batch empty: equal ones go together.
      const queue = sequences.flat()
        .sort((a, b) => a.prompt.length - b.prompt.length);
      for (let i = 0; i < queue.length; i += resolved.batch) {
        const some = queue.slice(i, i + resolved.batch);
        await new Batch(program, some, resolved).run();
      }
      return sequences.map((some) => some.map(({ completion }) => completion));
    },
    release: async () => {
      await program.release();
      await caches.release();
    },
  };
}

async function compileDecoder(
  policy: Policy,
  options: CompileOptions,
): Promise<Program> {
  const { device = "cpu" } = options;
  const graph = new Graph();
  const parameters = policy.parameters(graph);
  const isResident = device !== "cpu";
  const outputs = cachedDecoder(graph, policy.config, parameters, {
    isResident,
  });
  // In this process's memory a run gets places for its outputs.
  const keep = Object.keys(outputs)
    .filter((name) => isResident && name !== "drawn");
  return await compile(outputs, { packWeights: true, ...options, keep });
}

/** Where keys and values are kept: where they are computed. */
async function compileCaches(
  config: DecoderConfig,
  options: CompileOptions,
): Promise<{ newCache: NewCache; release: () => Promise<void> }> {
  const { device = "cpu" } = options;
  if (device === "cpu") {
    return {
      newCache: (size) => new KeyValueCache(config, size),
      release: () => Promise.resolve(),
    };
  }
  const arranger = await compileArranger(config, options);
  return {
    newCache: ({ rows }) => new DeviceCache(config, { rows, arranger }),
    release: () => arranger.release(),
  };
}

/** Options with their defaults. */
interface ResolvedOptions extends Omit<BatchOptions, "newCache" | "drawsAt"> {
  readonly stream: GenerateOptions["stream"];
  readonly names: readonly string[] | undefined;
  readonly samples: number;
  readonly batch: number;
}

function resolveOptions(
  config: DecoderConfig,
  {
    names,
    samples = 1,
    stopIds = config.eosIds,
    stop = () => false,
    batch = 256,
    onDone = () => {},
    ...rest
  }: GenerateOptions,
): ResolvedOptions {
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
    names,
    samples,
    stopIds: new Set(stopIds),
    stop,
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
      `it has ${prompt.length} tokens, ` +
        `expected fewer than the model's ${maxPositions} positions`,
    );
  }
  const stray = prompt.find((id) => !(id >= 0 && id < vocabSize));
  if (stray !== undefined) {
    refuse(`it has the id ${stray}, expected ids below ${vocabSize}`);
  }
}

/** Sequences of each prompt; equal prompts become one, to be computed once. */
function newSequences(
  prompts: readonly (readonly number[])[],
  { names = prompts.map((_, i) => `${i}`), samples, stream }: ResolvedOptions,
): Sequence[][] {
  const known = new Map(prompts.map((prompt) => [prompt.join(), prompt]));
  return prompts.map((ids, i) => {
    const prompt = known.get(ids.join())!;
    return Array.from({ length: samples }, (_, sample) => {
      const random = stream(`${names[i]}/${sample}`);
      const uniform = () => random.uniform();
      return { number: i, prompt, uniform, ...startOf(prompt) };
    });
  });
}

/** The parts of a sequence that grow, before its first token. */
function startOf(
  prompt: readonly number[],
): Pick<Sequence, "seen" | "completion"> {
  const lists = { ids: [], logProbs: [], samplingLogProbs: [] };
  return {
    seen: new Set(prompt),
    completion: { ...lists, finish: "length" },
  };
}

/**
 * Names prompts by their ids, so that a prompt's completions do not depend on
 * the other prompts or on their order. Equal prompts are numbered.
 */
export function namesByContent(
  prompts: readonly (readonly number[])[],
): string[] {
  const counts = new Map<string, number>();
  return prompts.map((prompt) => {
    const ids = prompt.join(" ");
    const count = counts.get(ids) ?? 0;
    counts.set(ids, count + 1);
    return `${ids}/${count}`;
  });
}
