import type { DecoderConfig } from "../config.ts";
import { parameterNames } from "../parameters.ts";
import type { Weights } from "./weights.ts";

type Tensor = Float32Array<ArrayBuffer>;

/**
 * A model's weights by name, in forward order, each read from its file when it is
 * asked for: training has a copy of its own, and another one would weigh as much.
 */
export class StoredValues implements ReadonlyMap<string, Tensor> {
  readonly #names: readonly string[];
  readonly #weights: Pick<Weights, "readSync">;

  /** @param weights of that configuration, found to be finite. */
  constructor(config: DecoderConfig, weights: Pick<Weights, "readSync">) {
    this.#names = parameterNames(config).map(({ name }) => name);
    this.#weights = weights;
  }

  get size(): number {
    return this.#names.length;
  }

  has(name: string): boolean {
    return this.#names.includes(name);
  }

  get(name: string): Tensor | undefined {
    return this.has(name) ? this.#weights.readSync(name) : undefined;
  }

  keys(): MapIterator<string> {
    return this.#names.values();
  }

  values(): MapIterator<Tensor> {
    return this.#names.values().map((name) => this.#weights.readSync(name));
  }

  entries(): MapIterator<[string, Tensor]> {
    return this.#names.values().map((name) => [
      name,
      this.#weights.readSync(name),
    ]);
  }

  [Symbol.iterator](): MapIterator<[string, Tensor]> {
    return this.entries();
  }

  forEach(
    visit: (
      value: Tensor,
      name: string,
      map: ReadonlyMap<string, Tensor>,
    ) => void,
  ): void {
    for (const [name, value] of this) visit(value, name, this);
  }
}
