import type { Dim } from "../graph/tensor_type.ts";
import { OrtValue } from "./ort_value.ts";
import type { OrtSession } from "./ort_session.ts";
import type { HostNumbers, Port, Ports, Runner } from "./ports.ts";
import { CStrings } from "./strings.ts";

/** Runs a session on CPU. */
export class HostRunner implements Runner {
  readonly #session: OrtSession;
  readonly #ports: Ports;
  readonly #names: Readonly<Record<"inputs" | "outputs", CStrings>>;
  readonly #inputs: readonly Binding[];
  readonly #outputs: readonly Binding[];
  readonly #held: readonly OrtValue[];

  constructor(session: OrtSession, ports: Ports) {
    const { inputs, outputs, held } = ports;
    this.#session = session;
    this.#ports = ports;
    const inputNames = [...inputs.map(({ name }) => name), ...held.keys()];
    this.#names = {
      inputs: new CStrings(inputNames),
      outputs: new CStrings(outputs.map(({ name }) => name)),
    };
    this.#inputs = inputs.map(() => new Binding());
    this.#outputs = outputs.map(() => new Binding());
    this.#held = held.values().map((array) => OrtValue.over(array)).toArray();
  }

  async run(
    feeds: readonly HostNumbers[],
    into: readonly (HostNumbers | undefined)[],
  ): Promise<HostNumbers[]> {
    const sizes = this.#sizes(feeds);
    const targets = this.#ports.outputs.map((port, i) =>
      into[i] ?? zeros(port, sizes)
    );
    const inputs = new BigUint64Array(feeds.length + this.#held.length);
    const outputs = new BigUint64Array(targets.length);
    feeds.forEach((feed, i) => inputs[i] = this.#inputs[i]!.read(feed));
    this.#held.forEach(({ address }, i) => inputs[feeds.length + i] = address);
    for (const [i, target] of targets.entries()) {
      if (target) outputs[i] = this.#outputs[i]!.write(target);
    }
    await this.#session.run(this.#names, { inputs, outputs });
    feeds.forEach((feed, i) => this.#inputs[i]!.settle(feed));
    return targets.map((target, i) => {
      if (!target) return taken(outputs[i]!);
      this.#outputs[i]!.finish(target);
      return target;
    });
  }

  release(): void {
    this.#session.release();
    for (const value of [...this.#inputs, ...this.#outputs, ...this.#held]) {
      value[Symbol.dispose]();
    }
  }

  /** Sizes by their names in the graph. */
  #sizes(feeds: readonly HostNumbers[]): Map<Dim, number> {
    const sizes = new Map<Dim, number>();
    for (const [i, { shape }] of this.#ports.inputs.entries()) {
      shape.forEach((dim, axis) => sizes.set(dim, feeds[i]!.shape[axis]!));
    }
    return sizes;
  }
}

/** Bytes up to which it is cheaper to copy an array than to bind it. */
const SMALL = 4096;

/**
 * The array behind an input or an output. A large one that two runs have had
 * one after the other stays bound; the numbers of small ones are copied to, or
 * from, one of its own.
 */
class Binding implements Disposable {
  readonly #large = new BoundArray();
  readonly #own = new BoundArray();
  /** The large array of the last run, which may be collected. */
  #last: WeakRef<HostNumbers> | null = null;

  /** The address of a tensor that has an array's numbers. */
  read(array: HostNumbers): bigint {
    if (array.data.byteLength > SMALL) return this.#large.to(array);
    const address = this.#ownLike(array);
    this.#own.array!.data.set(array.data);
    return address;
  }

  /** The address of a tensor whose numbers an array gets. */
  write(array: HostNumbers): bigint {
    return array.data.byteLength > SMALL
      ? this.#large.to(array)
      : this.#ownLike(array);
  }

  /** Gives an array the numbers, where it does not have them already. */
  finish(array: HostNumbers): void {
    const { data } = array;
    if (data.byteLength <= SMALL) data.set(this.#own.array!.data);
    else this.settle(array);
  }

  /** Lets go of a large array that the run before did not have. */
  settle(array: HostNumbers): void {
    if (this.#last?.deref() === array) return;
    this.#large[Symbol.dispose]();
    const isLarge = array.data.byteLength > SMALL;
    this.#last = isLarge ? new WeakRef(array) : null;
  }

  [Symbol.dispose](): void {
    this.#large[Symbol.dispose]();
    this.#own[Symbol.dispose]();
  }

  #ownLike({ data, shape }: HostNumbers): bigint {
    const own = this.#own.array;
    const fits = own && own.shape.length === shape.length &&
      own.shape.every((size, axis) => size === shape[axis]);
    return this.#own.to(fits ? own : { data: data.slice(), shape });
  }
}

/** A tensor over an array. */
class BoundArray implements Disposable {
  array: HostNumbers | null = null;
  #value: OrtValue | null = null;

  /** The address of a tensor over an array, made where it is another one's. */
  to(array: HostNumbers): bigint {
    if (!this.#value || array !== this.array) {
      this[Symbol.dispose]();
      this.#value = OrtValue.over(array);
      this.array = array;
    }
    return this.#value.address;
  }

  [Symbol.dispose](): void {
    this.#value?.[Symbol.dispose]();
    this.#value = null;
    this.array = null;
  }
}

/** Zeros of a type, or null where a size of it is not known. */
function zeros(
  { dtype, shape }: Port,
  sizes: ReadonlyMap<Dim, number>,
): HostNumbers | null {
  const found = shape.map((dim) =>
    typeof dim === "number" ? dim : sizes.get(dim)
  );
  if (!found.every((size) => size !== undefined)) return null;
  const length = found.reduce((a, b) => a * b, 1);
  if (dtype === "float32") {
    return { data: new Float32Array(length), shape: found };
  }
  if (dtype === "float64") {
    return { data: new Float64Array(length), shape: found };
  }
  if (dtype === "int32") return { data: new Int32Array(length), shape: found };
  return null;
}

/** A copy of a tensor that onnxruntime made, which is freed. */
function taken(address: bigint): HostNumbers {
  using value = new OrtValue(address);
  return value.read() as HostNumbers;
}
