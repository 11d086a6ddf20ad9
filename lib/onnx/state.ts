import { apply, Graph, type Op, sameType } from "./graph.ts";
import type { Device } from "./providers.ts";
import {
  compile,
  type DeviceTensor,
  hostData,
  type HostTensor,
  type Program,
  type Tensor,
  type Tensors,
  viewOf,
} from "./session.ts";

/** A tensor of a state: its name and shape. */
export interface Slot {
  readonly name: string;
  readonly shape: readonly number[];
}

/** A flat part of a state, small enough that work on it stays in the cache. */
export interface Piece {
  /** Whether its elements are of matrices; else they are of vectors. */
  readonly ofMatrices: boolean;
  /** The elements now, `[n]`. */
  readonly now: Tensor;
  /** Where their next values go: the same memory on CPU. */
  readonly next: Tensor;
}

/**
 * Float32 tensors that outlive a run: parameters, gradients, moments. States
 * of the same slots on the same device have pieces that correspond.
 */
export interface State {
  readonly tensors: Tensors;
  /** Where the tensors' next values go: the same memory on CPU. */
  readonly next: Tensors;
  readonly pieces: readonly Piece[];
  /** What was written to `next` becomes current. */
  advance(): void;
  /** Sets tensors; all to 0 without values. */
  write(
    values?: ReadonlyMap<string, Float32Array<ArrayBuffer>>,
  ): Promise<void>;
  /** A copy of every tensor. */
  read(): Promise<Map<string, Float32Array<ArrayBuffer>>>;
  release(): Promise<void>;
}

/** A state of zeros. */
export function createState(
  slots: readonly Slot[],
  device: Device,
): Promise<State> {
  return device === "webgpu"
    ? DeviceState.create(slots)
    : Promise.resolve(new HostState(slots));
}

const PIECE = 1 << 20;

/** One array, of which the tensors are views: matrices first, then vectors. */
class HostState implements State {
  readonly tensors: Readonly<Record<string, HostTensor>>;
  readonly pieces: readonly Piece[];
  readonly #flat: Float32Array<ArrayBuffer>;

  constructor(slots: readonly Slot[]) {
    const flat = new Float32Array(slots.reduce((n, s) => n + sizeOf(s), 0));
    let at = 0;
    const place = (slot: Slot): [string, HostTensor] => {
      const data = flat.subarray(at, at += sizeOf(slot));
      return [slot.name, { data, shape: slot.shape }];
    };
    const matrices = slots.filter(isMatrix).map(place);
    const border = at;
    const vectors = slots.filter((slot) => !isMatrix(slot)).map(place);
    this.tensors = Object.fromEntries([...matrices, ...vectors]);
    this.pieces = [
      ...piecesOf(flat.subarray(0, border), true),
      ...piecesOf(flat.subarray(border), false),
    ];
    this.#flat = flat;
  }

  get next(): Tensors {
    return this.tensors;
  }

  advance(): void {}

  write(values?: ReadonlyMap<string, Float32Array<ArrayBuffer>>) {
    if (!values) this.#flat.fill(0);
    else for (const [name, data] of values) this.#array(name).set(data);
    return Promise.resolve();
  }

  read() {
    const copies = Object.keys(this.tensors).map((name) =>
      [name, this.#array(name).slice()] as const
    );
    return Promise.resolve(new Map(copies));
  }

  release(): Promise<void> {
    return Promise.resolve();
  }

  #array(name: string): Float32Array<ArrayBuffer> {
    return hostData(this.tensors[name]) as Float32Array<ArrayBuffer>;
  }
}

function piecesOf(
  flat: Float32Array<ArrayBuffer>,
  ofMatrices: boolean,
): Piece[] {
  return Array.from({ length: Math.ceil(flat.length / PIECE) }, (_, i) => {
    const data = flat.subarray(i * PIECE, (i + 1) * PIECE);
    const tensor = { data, shape: [data.length] };
    return { ofMatrices, now: tensor, next: tensor };
  });
}

/** Two buffers a tensor, as a graph cannot write to what it reads on WebGPU. */
class DeviceState implements State {
  #now: Map<string, DeviceTensor>;
  #next: Map<string, DeviceTensor>;
  readonly #slots: readonly Slot[];
  readonly #copy: Copier;

  private constructor(
    slots: readonly Slot[],
    copy: Copier,
    [now, next]: readonly Map<string, DeviceTensor>[],
  ) {
    this.#slots = slots;
    this.#copy = copy;
    this.#now = now!;
    this.#next = next!;
  }

  static async create(slots: readonly Slot[]): Promise<State> {
    const copy = await createCopier();
    const zeros = async () => {
      const tensors = new Map<string, DeviceTensor>();
      for (const slot of slots) {
        const data = new Float32Array(sizeOf(slot));
        tensors.set(slot.name, await copy.up({ data, shape: [data.length] }));
      }
      return tensors;
    };
    return new DeviceState(slots, copy, [await zeros(), await zeros()]);
  }

  get tensors(): Tensors {
    return this.#shaped(this.#now);
  }

  get next(): Tensors {
    return this.#shaped(this.#next);
  }

  get pieces(): readonly Piece[] {
    return this.#slots.map((slot) => ({
      ofMatrices: isMatrix(slot),
      now: this.#now.get(slot.name)!,
      next: this.#next.get(slot.name)!,
    }));
  }

  advance(): void {
    [this.#now, this.#next] = [this.#next, this.#now];
  }

  async write(values?: ReadonlyMap<string, Float32Array<ArrayBuffer>>) {
    for (const slot of this.#slots) {
      const data = values?.get(slot.name);
      if (values && !data) continue;
      await this.#copy.across(
        {
          data: data ?? new Float32Array(sizeOf(slot)),
          shape: [sizeOf(slot)],
        },
        this.#now.get(slot.name)!,
      );
    }
  }

  async read() {
    const copies = new Map<string, Float32Array<ArrayBuffer>>();
    for (const { name } of this.#slots) {
      const { data } = await this.#copy.down(this.#now.get(name)!);
      copies.set(name, data as Float32Array<ArrayBuffer>);
    }
    return copies;
  }

  async release(): Promise<void> {
    for (
      const { onDevice } of [...this.#now.values(), ...this.#next.values()]
    ) {
      onDevice.dispose();
    }
    await this.#copy.release();
  }

  #shaped(tensors: ReadonlyMap<string, DeviceTensor>): Tensors {
    return Object.fromEntries(
      this.#slots.map(({ name, shape }) => [
        name,
        viewOf(tensors.get(name)!, shape),
      ]),
    );
  }
}

/** Moves tensors to the device and back, which only runs of a graph can. */
interface Copier {
  up(tensor: HostTensor): Promise<DeviceTensor>;
  across(from: Tensor, to: DeviceTensor): Promise<void>;
  down(tensor: DeviceTensor): Promise<HostTensor>;
  release(): Promise<void>;
}

const Identity: Op = {
  name: "Identity",
  infer: sameType,
};

async function createCopier(): Promise<Copier> {
  const copying = (keep: readonly string[]) => {
    const x = new Graph().input("x", ["n"]);
    return compile({ y: apply(Identity, [x]) }, { device: "webgpu", keep });
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

function sizeOf({ shape }: Slot): number {
  return shape.reduce((a, b) => a * b, 1);
}

function isMatrix({ shape }: Slot): boolean {
  return shape.length > 1;
}
