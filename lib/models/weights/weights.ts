import type { Graph, Value } from "../../onnx/graph/graph.ts";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { openConfig } from "../config_json/config_reader.ts";
import { quote } from "../field_reader.ts";
import {
  fill,
  pickleNote,
  readHeader,
  readTensor,
  readTensorSync,
  type SafetensorsFile,
} from "./safetensors.ts";
import type { StoredTensor } from "./safetensors_header.ts";

/** Makes the value of a weight in a graph, in the graph's own type. */
export type ValueIn = (graph: Graph) => Value;

/** A stored tensor and the file that holds it. */
export interface LocatedTensor extends StoredTensor {
  /** Real path, free of symbolic links. */
  readonly file: string;
}

/** The weights of a model folder, read on demand. */
export interface Weights {
  /** Real paths of the safetensors files, in the order of their names. */
  readonly files: readonly string[];
  /** Names of all tensors. */
  names(): string[];
  /** Locates a tensor, `undefined` without one of that name. */
  get(name: string): LocatedTensor | undefined;
  /**
   * Reads a tensor as float32.
   *
   * @throws Error if there is none, or a value in it is not finite.
   */
  read(name: string): Promise<Float32Array<ArrayBuffer>>;
  /** Reads a tensor that {@linkcode assertFinite} has passed, at once. */
  readSync(name: string): Float32Array<ArrayBuffer>;
  /**
   * Checks every value without converting it, for weights that are used in their
   * files.
   *
   * @throws Error that names tensor and file of one that is not finite.
   */
  assertFinite(): Promise<void>;
  /** Values of weights that are not those of the files. @default none */
  readonly held?: ReadonlyMap<string, Float32Array<ArrayBuffer>>;
  /** Makers of values in graphs, for weights that are not used as stored. */
  readonly quantized?: ReadonlyMap<string, ValueIn>;
  /** SHA-256 of the files' contents, one after another, in hexadecimal. */
  hash(): Promise<string>;
}

const WEIGHTS = "model.safetensors";
const INDEX = "model.safetensors.index.json";
/** The index is data from outside: it must not lead out of the folder. */
const SHARD = /^[^/\\\0]+\.safetensors$/;

/**
 * Opens the weights of a Hugging Face model folder, in one file or in shards,
 * and checks that every tensor listed is there.
 *
 * @throws Error that names the folder, file or tensor that is missing.
 */
export async function openWeights(folder: string): Promise<Weights> {
  const names = await namesIn(folder);
  if (names.has(WEIGHTS)) {
    const file = await openShard(folder, WEIGHTS);
    return weightsOf(new Map(file.tensors.keys().map((name) => [name, file])));
  }
  if (names.has(INDEX)) return weightsOf(await openShards(folder));
  throw new Error(
    `Cannot open the model in ${folder}: expected ${WEIGHTS} or ${INDEX}, ` +
      `found neither${await pickleNote(folder)}`,
  );
}

/**
 * Checks that no value is NaN or infinite.
 *
 * @throws Error that names tensor, element and file.
 */
export function assertFinite(
  name: string,
  data: Float32Array,
  file: string,
): void {
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(data[i])) continue;
    throw new Error(
      `Tensor "${name}" of ${file} is ${data[i]} at element ${i}, ` +
        `expected finite numbers`,
    );
  }
}

async function namesIn(folder: string): Promise<Set<string>> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(folder));
    return new Set(entries.map(({ name }) => name));
  } catch (cause) {
    throw new Error(`Cannot open the model in ${folder}: no such folder`, {
      cause,
    });
  }
}

async function openShard(
  folder: string,
  name: string,
): Promise<SafetensorsFile> {
  try {
    return await readHeader(join(folder, name));
  } catch (error) {
    const { cause } = error as Error;
    if (!(cause instanceof Deno.errors.NotFound)) throw error;
    throw new Error(`Cannot open the model in ${folder}: no file ${name}`, {
      cause,
    });
  }
}

/** Opens the shards that the index lists, by the names of their tensors. */
async function openShards(
  folder: string,
): Promise<Map<string, SafetensorsFile>> {
  const index = await openConfig(join(folder, INDEX));
  const listed = Object.entries(index.object("weight_map")?.values ?? {});
  if (listed.length === 0) throw index.error("weight_map", "tensors");
  const shards = new Map<unknown, SafetensorsFile>();
  for (const name of new Set(listed.map(([, name]) => name).toSorted())) {
    if (typeof name !== "string" || !SHARD.test(name)) {
      throw index.error(
        "weight_map",
        `names of .safetensors files without a path, found ${quote(name)}`,
      );
    }
    shards.set(name, await openShard(folder, name));
  }
  return new Map(listed.map(([tensor, name]) => {
    const shard = shards.get(name);
    if (shard?.tensors.has(tensor)) return [tensor, shard];
    throw new Error(
      `Cannot open the model in ${folder}: ${INDEX} says that tensor ` +
        `"${tensor}" is in ${name}, but it is not`,
    );
  }));
}

function weightsOf(owners: ReadonlyMap<string, SafetensorsFile>): Weights {
  const files = [...new Set(owners.values().map(({ path }) => path))].sort();
  const fileOf = (name: string) => {
    const file = owners.get(name);
    if (file) return file;
    throw new RangeError(`No tensor "${name}" in ${files}`);
  };
  return {
    files,
    names: () => [...owners.keys()],
    get: (name) => {
      const file = owners.get(name);
      const tensor = file?.tensors.get(name);
      return file && tensor && { ...tensor, file: file.path };
    },
    read: async (name) => {
      const file = fileOf(name);
      const data = await readTensor(file, name);
      assertFinite(name, data, file.path);
      return data;
    },
    readSync: (name) => readTensorSync(fileOf(name), name),
    assertFinite: async () => {
      const chunk = new ArrayBuffer(CHUNK_BYTES);
      for (const [name, file] of owners) {
        if (await hasOnlyFinite(file, { name, chunk })) continue;
        assertFinite(name, await readTensor(file, name), file.path);
      }
    },
    hash: () => hashFiles(files),
  };
}

/** Type → bytes of an element, and the exponent bits of NaN and infinities. */
const EXPONENTS: ReadonlyMap<string, [bytes: 2 | 4, exponent: number]> =
  new Map(
    [["F32", [4, 0x7f800000]], ["F16", [2, 0x7c00]], ["BF16", [2, 0x7f80]]],
  );

const CHUNK_BYTES = 1 << 22;

/** Whether no exponent is that of NaN or infinity; false for unknown types. */
async function hasOnlyFinite(
  { path, tensors }: SafetensorsFile,
  { name, chunk }: { name: string; chunk: ArrayBuffer },
): Promise<boolean> {
  const { dtype, begin, end } = tensors.get(name)!;
  const [bytes, exponent] = EXPONENTS.get(dtype) ?? [];
  if (!bytes || !exponent) return false;
  using file = await Deno.open(path);
  await file.seek(begin, Deno.SeekMode.Start);
  for (let left = end - begin; left > 0;) {
    const size = Math.min(left, chunk.byteLength);
    await fill(file, new Uint8Array(chunk, 0, size));
    const bits = bytes === 4
      ? new Uint32Array(chunk, 0, size / 4)
      : new Uint16Array(chunk, 0, size / 2);
    for (let i = 0; i < bits.length; i++) {
      if ((bits[i]! & exponent) === exponent) return false;
    }
    left -= size;
  }
  return true;
}

/** Whether two stored tensors have one shape and equal values. */
export async function haveSameValues(
  weights: Pick<Weights, "get" | "read">,
  names: readonly [string, string],
): Promise<boolean> {
  const [a, b] = [weights.get(names[0])!, weights.get(names[1])!];
  if (a.shape.join() !== b.shape.join()) return false;
  if (a.dtype === b.dtype) return await haveSameBytes(a, b);
  const other = await weights.read(names[1]);
  return (await weights.read(names[0])).every((x, i) => x === other[i]);
}

async function haveSameBytes(
  a: LocatedTensor,
  b: LocatedTensor,
): Promise<boolean> {
  using first = await Deno.open(a.file);
  using second = await Deno.open(b.file);
  await first.seek(a.begin, Deno.SeekMode.Start);
  await second.seek(b.begin, Deno.SeekMode.Start);
  const chunks = [Buffer.alloc(CHUNK_BYTES), Buffer.alloc(CHUNK_BYTES)];
  for (let left = a.end - a.begin; left > 0; left -= CHUNK_BYTES) {
    const [x, y] = chunks.map((chunk) => chunk.subarray(0, left));
    await fill(first, x!);
    await fill(second, y!);
    if (!x!.equals(y!)) return false;
  }
  return true;
}

async function hashFiles(files: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (const path of files) {
    using file = await Deno.open(path);
    for (let n = await file.read(chunk); n; n = await file.read(chunk)) {
      hash.update(chunk.subarray(0, n));
    }
  }
  return hash.digest("hex");
}
