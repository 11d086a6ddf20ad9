import { Graph } from "../../onnx/graph/graph.ts";
import type { Program } from "../../onnx/program.ts";
import { compile, type CompileOptions } from "../../onnx/session.ts";
import {
  type DeviceTensor,
  freeTensors,
  onDevice,
  type Tensors,
  viewOf,
} from "../../onnx/tensors.ts";
import { gather } from "../../ops/indexing.ts";
import { concat } from "../../ops/shaping.ts";
import type { DecoderConfig } from "../config.ts";
import { cacheNames, joinedName } from "./cached_decoder.ts";
import type { Cache, Span } from "./key_value_cache.ts";

/** The graph's names for tokens that a cache holds, and for new ones. */
const [OLD, NEW] = ["old", "new"];

/** Compiles the graph that puts keys and values of a model where they belong. */
export function compileArranger(
  { layers, kvHeads, headDim }: DecoderConfig,
  options: CompileOptions,
): Promise<Program> {
  const graph = new Graph();
  const index = graph.input("index", ["k"], "int32");
  const outputs = Array.from({ length: layers }, (_, i) => cacheNames(i))
    .flatMap(({ k, v }) => [k, v])
    .map((name) => {
      const [old, news] = [OLD, NEW].map((kind) =>
        graph.input(`${kind} ${name}`, [kind, kvHeads, headDim])
      );
      return [name, gather(concat([old!, news!], 0), index)] as const;
    });
  const keep = outputs.map(([name]) => name);
  return compile(Object.fromEntries(outputs), { ...options, keep });
}

/** A layer's keys or values, `[slots, rows, kvHeads, size]` and without slots. */
interface Kept {
  readonly shaped: DeviceTensor;
  readonly flat: DeviceTensor;
}

/**
 * Keys and values of rows of tokens in the memory of a device, which they never
 * leave: a step's graph joins old and new ones, and what it joined is the cache
 * of the next step.
 */
export class DeviceCache implements Cache {
  readonly #arranger: Program;
  readonly #shape: readonly number[];
  readonly #names: readonly string[];
  #kept: ReadonlyMap<string, Kept> | null = null;
  #rows: number;
  #slots = 0;

  /** @param arranger of {@linkcode compileArranger}; it is the caller's. */
  constructor(
    { layers, kvHeads, headDim }: DecoderConfig,
    { rows, arranger }: { rows: number; arranger: Program },
  ) {
    this.#arranger = arranger;
    this.#rows = rows;
    this.#shape = [kvHeads, headDim];
    this.#names = Array.from({ length: layers }, (_, i) => cacheNames(i))
      .flatMap(({ k, v }) => [k, v]);
  }

  get slots(): number {
    return this.#slots;
  }

  get feeds(): Tensors {
    const shape = [0, this.#rows, ...this.#shape];
    const empty = { data: new Float32Array(), shape };
    return this.#each((name) => this.#kept?.get(name)?.shaped ?? empty);
  }

  /** None: a step's graph makes all of its outputs. */
  get nextSlot(): Tensors {
    return {};
  }

  advance(news: Tensors): void {
    this.#slots++;
    const shape = [this.#slots * this.#rows, ...this.#shape];
    this.#replace((name) => {
      const shaped = onDevice(news[joinedName(name)]);
      return { shaped, flat: viewOf(shaped, shape) };
    });
    freeTensors(this.#each((name) => news[name]!));
  }

  async fill(news: Tensors, spans: readonly (Span | null)[]): Promise<void> {
    const ends = spans.map((span) =>
      span ? span.length + (span.before ?? 0) : 0
    );
    const slots = Math.max(this.#slots, ...ends);
    const shift = slots - this.#slots;
    // Without old tokens there is one that stands for none.
    const count = Math.max(1, this.#slots * this.#rows);
    await this.#arrange({ news, slots, rows: this.#rows }, (slot, row) => {
      const { start = 0, length = 0, before = 0 } = spans[row] ?? {};
      const at = slot - (slots - before - length);
      if (at >= 0 && at < length) return count + start + at;
      // Nobody looks at slots before a row's first token.
      return Math.max(0, slot - shift) * this.#rows + row;
    });
  }

  async keep(rows: readonly number[]): Promise<void> {
    const before = this.#rows;
    const size = { slots: this.#slots, rows: rows.length };
    await this.#arrange(size, (slot, row) => slot * before + rows[row]!);
  }

  release(): void {
    for (const kept of this.#kept?.values() ?? []) freeTensors({ ...kept });
    this.#kept = null;
  }

  /** @param source the place, among old tokens and new, of each slot's token. */
  async #arrange(
    { news, slots, rows }: { news?: Tensors; slots: number; rows: number },
    source: (slot: number, row: number) => number,
  ): Promise<void> {
    const length = slots * rows;
    const index = Int32Array.from(
      { length },
      (_, i) => source(Math.floor(i / rows), i % rows),
    );
    const none = {
      data: new Float32Array(this.#shape.reduce((a, b) => a * b)),
      shape: [1, ...this.#shape],
    };
    const feeds = this.#names.flatMap((name) => [
      [`${OLD} ${name}`, this.#kept?.get(name)?.flat ?? none] as const,
      [`${NEW} ${name}`, news?.[name] ?? none] as const,
    ]);
    const arranged = await this.#arranger.run({
      index: { data: index, shape: [length] },
      ...Object.fromEntries(feeds),
    });
    [this.#slots, this.#rows] = [slots, rows];
    this.#replace((name) => {
      const flat = onDevice(arranged[name]);
      return { flat, shaped: viewOf(flat, [slots, rows, ...this.#shape]) };
    });
  }

  #replace(kept: (name: string) => Kept): void {
    const next = new Map(this.#names.map((name) => [name, kept(name)]));
    this.release();
    this.#kept = next;
  }

  #each<T>(of: (name: string) => T): Record<string, T> {
    return Object.fromEntries(this.#names.map((name) => [name, of(name)]));
  }
}
