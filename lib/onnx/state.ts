import { OrtValue } from "./ffi/ort_value.ts";
import { apply } from "./graph/apply.ts";
import { Graph } from "./graph/graph.ts";
import { Identity } from "./lower.ts";
import type { Device } from "./providers.ts";
import type { Program } from "./program.ts";
import { compile } from "./session.ts";
import {
  type DeviceTensor,
  type HostTensor,
  type Tensor,
  type Tensors,
  viewOf,
} from "./tensors.ts";

/** A tensor of a state: its name and shape. */
export interface Slot {
  readonly name: string;
  readonly shape: readonly number[];
}

/** A flat part of a state, small enough that work on it stays in the cache. */
export interface Piece {
  /** Number of the group of slots that its elements belong to. */
  readonly group: number;
  /** The elements now, `[n]`. */
  readonly now: Tensor;
  /** Memory of their next values; on CPU that of `now`. */
  readonly next: Tensor;
}

/**
 * Float32 tensors that outlive a run: parameters, gradients, moments. States
 * of the same groups on the same device have pieces that correspond.
 */
export interface State {
  readonly tensors: Tensors;
  /** Memory of the tensors' next values; on CPU that of `tensors`. */
  readonly next: Tensors;
  readonly pieces: readonly Piece[];
  /** Makes the values in `next` the current ones. */
  advance(): void;
  /** Sets tensors; all to 0 without values. */
  write(
    values?: ReadonlyMap<string, Float32Array<ArrayBuffer>>,
  ): Promise<void>;
  /** Changes all values, in one array, which is in the host's memory. */
  change(
    change: (values: Float32Array<ArrayBuffer>) => Promise<void>,
  ): Promise<void>;
  /** Where all values are, in the memory of the device, until the next change. */
  memory(): { address: bigint; length: number }[];
  /** A copy of every tensor. */
  read(): Promise<Map<string, Float32Array<ArrayBuffer>>>;
  /** Every tensor until the next change; on CPU its own memory. */
  view(): Promise<ReadonlyMap<string, Float32Array<ArrayBuffer>>>;
  release(): Promise<void>;
}

/** A state of zeros, of which no piece is of two groups of slots. */
export function createState(
  groups: readonly (readonly Slot[])[],
  device: Device,
): Promise<State> {
  return device === "cpu"
    ? Promise.resolve(new HostState(groups))
    : DeviceState.create(groups, device);
}

const PIECE = 1 << 20;

/** One array, of which the tensors are views, in the order of the groups. */
class HostState implements State {
  readonly tensors: Readonly<Record<string, HostTensor>>;
  readonly pieces: readonly Piece[];
  readonly #flat: Float32Array<ArrayBuffer>;
  readonly #views: ReadonlyMap<string, Float32Array<ArrayBuffer>>;

  constructor(groups: readonly (readonly Slot[])[]) {
    const { flat, views } = flatArray(groups.flat());
    let end = 0;
    this.pieces = groups.flatMap((slots, group) => {
      const elements = flat.subarray(end, end += totalSize(slots));
      return piecesOf(elements, group);
    });
    this.#flat = flat;
    this.#views = views;
    this.tensors = Object.fromEntries(
      groups.flat().map(({ name, shape }) => [
        name,
        { data: this.#view(name), shape },
      ]),
    );
  }

  get next(): Tensors {
    return this.tensors;
  }

  advance(): void {}

  write(values?: ReadonlyMap<string, Float32Array<ArrayBuffer>>) {
    if (!values) this.#flat.fill(0);
    else for (const [name, data] of values) this.#view(name).set(data);
    return Promise.resolve();
  }

  change(change: (values: Float32Array<ArrayBuffer>) => Promise<void>) {
    return change(this.#flat);
  }

  memory() {
    const { length } = this.#flat;
    if (length === 0) return [];
    using value = OrtValue.over({ data: this.#flat, shape: [length] });
    return [value.memory];
  }

  read() {
    const copies = new Map(this.#views);
    for (const [name, view] of copies) copies.set(name, view.slice());
    return Promise.resolve(copies);
  }

  view() {
    return Promise.resolve(this.#views);
  }

  release(): Promise<void> {
    return Promise.resolve();
  }

  #view(name: string): Float32Array<ArrayBuffer> {
    const view = this.#views.get(name);
    if (view) return view;
    throw new RangeError(
      `Cannot write "${name}": the state has no such tensor`,
    );
  }
}

function piecesOf(flat: Float32Array<ArrayBuffer>, group: number): Piece[] {
  return Array.from({ length: Math.ceil(flat.length / PIECE) }, (_, i) => {
    const data = flat.subarray(i * PIECE, (i + 1) * PIECE);
    const tensor = { data, shape: [data.length] };
    return { group, now: tensor, next: tensor };
  });
}

/** A tensor's two buffers, as WebGPU cannot write to what a graph reads. */
interface Buffers {
  readonly slot: Slot;
  readonly group: number;
  readonly now: DeviceTensor;
  readonly next: DeviceTensor;
  /** `now` and `next` in the shape of the slot. */
  readonly shaped: Readonly<Record<"now" | "next", DeviceTensor>>;
}

class DeviceState implements State {
  #buffers: readonly Buffers[];
  readonly #copy: Copier;

  private constructor(buffers: readonly Buffers[], copy: Copier) {
    this.#buffers = buffers;
    this.#copy = copy;
  }

  static async create(
    groups: readonly (readonly Slot[])[],
    device: Device,
  ): Promise<State> {
    const copy = await createCopier(device);
    const buffers: Buffers[] = [];
    for (const [group, slots] of groups.entries()) {
      for (const slot of slots) {
        const [now, next] = [
          await copy.up(zeros(slot)),
          await copy.up(zeros(slot)),
        ];
        const shaped = {
          now: viewOf(now, slot.shape),
          next: viewOf(next, slot.shape),
        };
        buffers.push({ slot, group, now, next, shaped });
      }
    }
    return new DeviceState(buffers, copy);
  }

  get tensors(): Tensors {
    return this.#shaped("now");
  }

  get next(): Tensors {
    return this.#shaped("next");
  }

  get pieces(): readonly Piece[] {
    return this.#buffers;
  }

  advance(): void {
    this.#buffers = this.#buffers.map((buffers) => ({
      ...buffers,
      now: buffers.next,
      next: buffers.now,
      shaped: { now: buffers.shaped.next, next: buffers.shaped.now },
    }));
  }

  async write(values?: ReadonlyMap<string, Float32Array<ArrayBuffer>>) {
    for (const { slot, now } of this.#buffers) {
      const data = values?.get(slot.name);
      if (values && !data) continue;
      const shape = [sizeOf(slot)];
      await this.#copy.across(data ? { data, shape } : zeros(slot), now);
    }
  }

  async change(change: (values: Float32Array<ArrayBuffer>) => Promise<void>) {
    const { flat, views } = flatArray(this.#buffers.map(({ slot }) => slot));
    for (const [name, copy] of await this.read()) views.get(name)!.set(copy);
    await change(flat);
    await this.write(views);
  }

  memory() {
    return this.#buffers.map(({ now }) => now.onDevice.memory);
  }

  view() {
    return this.read();
  }

  async read() {
    const copies = new Map<string, Float32Array<ArrayBuffer>>();
    for (const { slot, now } of this.#buffers) {
      const { data } = await this.#copy.down(now);
      copies.set(slot.name, data as Float32Array<ArrayBuffer>);
    }
    return copies;
  }

  async release(): Promise<void> {
    for (const { now, next, shaped } of this.#buffers) {
      for (const { onDevice } of [shaped.now, shaped.next, now, next]) {
        onDevice[Symbol.dispose]();
      }
    }
    await this.#copy.release();
  }

  #shaped(which: "now" | "next"): Tensors {
    return Object.fromEntries(
      this.#buffers.map(({ slot, shaped }) => [slot.name, shaped[which]]),
    );
  }
}

/** An array with a view of each slot's elements. */
function flatArray(slots: readonly Slot[]) {
  const flat = new Float32Array(totalSize(slots));
  const views = new Map<string, Float32Array<ArrayBuffer>>();
  let end = 0;
  for (const slot of slots) {
    views.set(slot.name, flat.subarray(end, end += sizeOf(slot)));
  }
  return { flat, views };
}

function zeros(slot: Slot): HostTensor {
  return { data: new Float32Array(sizeOf(slot)), shape: [sizeOf(slot)] };
}

/** Moves tensors to the device and back, which only runs of a graph can. */
interface Copier {
  up(tensor: HostTensor): Promise<DeviceTensor>;
  across(from: Tensor, to: DeviceTensor): Promise<void>;
  down(tensor: DeviceTensor): Promise<HostTensor>;
  release(): Promise<void>;
}

async function createCopier(device: Device): Promise<Copier> {
  const copying = (keep: readonly string[]) => {
    const x = new Graph().input("x", ["n"]);
    return compile({ y: apply(Identity, [x]) }, { device, keep });
  };
  const staying: Program = await copying(["y"]);
  const leaving: Program = await copying([]);
  return {
    up: async (x) => (await staying.run({ x }))["y"] as DeviceTensor,
    across: async (x, y) => void await leaving.run({ x }, { y }),
    down: async (x) => (await leaving.run({ x }))["y"] as HostTensor,
    release: async () => {
      await staying.release();
      await leaving.release();
    },
  };
}

function totalSize(slots: readonly Slot[]): number {
  return slots.reduce((sum, slot) => sum + sizeOf(slot), 0);
}

function sizeOf({ shape }: Slot): number {
  return shape.reduce((a, b) => a * b, 1);
}
