import { createHash } from "node:crypto";
import { join } from "node:path";
import { DeviceRunner } from "./ffi/device_runner.ts";
import { HostRunner } from "./ffi/host_runner.ts";
import { OrtSession } from "./ffi/ort_session.ts";
import { type HostArray, OrtValue } from "./ffi/ort_value.ts";
import type { Bound, Port, Ports, Runner } from "./ffi/ports.ts";
import type { SessionSettings } from "./ffi/session_options.ts";
import { limitsOf, requireFit } from "./adapters.ts";
import type { Held } from "./graph/constant_data.ts";
import type { Constant, Graph, Value } from "./graph/graph.ts";
import type { DType, Type } from "./graph/tensor_type.ts";
import { LinkedFiles } from "./linked_files.ts";
import { inOrder, lower } from "./lower.ts";
import { encodeModel } from "./proto.ts";
import { inPrecision } from "./precision.ts";
import { renameFiles } from "./rename.ts";
import {
  type Device,
  fitsKernel,
  HALVES,
  hasKernel,
  type Precision,
} from "./providers.ts";

/** Numbers of a tensor; their type gives the element type. */
export type TensorData =
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>;

/** A tensor in the memory of this process. */
export interface HostTensor {
  /** Its numbers, row by row. */
  readonly data: TensorData;
  /** Its sizes. */
  readonly shape: readonly number[];
}

/** A tensor in the memory of a device; only {@linkcode Program} looks inside. */
export interface DeviceTensor {
  /** @internal */
  readonly onDevice: OrtValue;
}

/** A tensor, wherever its numbers are. */
export type Tensor = HostTensor | DeviceTensor;
/** Tensors by name. */
export type Tensors = Readonly<Record<string, Tensor>>;

/** Options of {@linkcode compile}. */
export interface CompileOptions {
  /** The device that computes. @default "cpu" */
  device?: Device;
  /** Number format of products: see `inPrecision()`. @default "float32" */
  precision?: Precision;
  /** Threads that share the work of one operator, on CPU. @default 1 */
  threads?: number;
  /** Refuses a graph of which any node would leave the device. @default false */
  strict?: boolean;
  /** Names of outputs that stay on the device. @default none */
  keep?: readonly string[];
  /**
   * Names of outputs that the graph has after all others, in this order, which
   * decides what memory a run takes: see {@linkcode lower}. @default none
   */
  last?: readonly string[];
  /**
   * How the path of a file begins to which the times of all nodes go, in the
   * format of chrome://tracing. @default no such file
   */
  profile?: string;
  /**
   * Rearranges the constant operands of products once, not in each run: a copy
   * in memory that pays where the other operands have few rows. On CPU.
   * @default false
   */
  packWeights?: boolean;
}

/** A compiled graph. */
export interface Program {
  /** Number of nodes after lowering. */
  readonly nodes: number;
  /** SHA-256 of the graph as onnxruntime gets it, without the bytes of files. */
  readonly hash: string;
  /**
   * Runs the graph.
   *
   * @param feeds a tensor for each input.
   * @param into tensors that outputs are written to: on CPU they may be the
   * very tensors fed, which updates them in place; on devices they must not.
   */
  run(feeds: Tensors, into?: Tensors): Promise<Record<string, Tensor>>;
  /**
   * Ends the profile of its runs.
   *
   * @returns the path of the file.
   * @throws Error where {@linkcode CompileOptions.profile} did not ask for one.
   */
  endProfile(): Promise<string>;
  /** Frees its memory. */
  release(): Promise<void>;
}

/** Compiles the part of a graph that the named outputs need. */
export async function compile(
  outputs: Readonly<Record<string, Value>>,
  options: CompileOptions = {},
): Promise<Program> {
  const { device = "cpu", last = [], keep = [] } = options;
  const { precision = "float32", packWeights = false } = options;
  const ordered = inOrder(outputs, last);
  const limits = await limitsOf(device);
  const exact = lower(
    ordered.map(([, value]) => value),
    (op, float, { bits }) =>
      // Its kernel rearranges 4 bits only.
      hasKernel(op, device, {
        ...{ float, precision },
        isPacked: packWeights && bits === 4 && HALVES[precision] === null,
      }),
    (op, type) => fitsKernel(op, type, { device, limit: limits.binding }),
  );
  requireFit(exact.graph, limits);
  const lowered = inPrecision(exact, { precision, device });
  const ports = {
    inputs: lowered.graph.inputs.slice(),
    outputs: lowered.outputs,
    held: device === "cpu" ? heldAsInputs(lowered.graph) : new Map(),
  };
  const { session, hash } = await createSession(lowered, options);
  return new CompiledGraph(session, ports, {
    ...{ nodes: lowered.graph.nodes.length, hash, device, keep },
    names: ordered.map(([name]) => name),
  });
}

/** What the outside knows of a compiled graph. */
interface GraphFacts extends Pick<Program, "nodes" | "hash"> {
  readonly device: Device;
  /** Names of its outputs, in order. */
  readonly names: readonly string[];
  /** Names of outputs that stay on the device. */
  readonly keep: readonly string[];
}

class CompiledGraph implements Program {
  readonly nodes: number;
  readonly hash: string;
  readonly #session: OrtSession;
  readonly #runner: Runner;
  readonly #ports: Ports;
  readonly #names: readonly string[];
  /** Ends when the last run has ended: the next one waits for it. */
  #last: Promise<unknown> = Promise.resolve();
  #isReleased = false;

  constructor(
    session: OrtSession,
    ports: Ports,
    { nodes, hash, device, names, keep }: GraphFacts,
  ) {
    this.nodes = nodes;
    this.hash = hash;
    this.#session = session;
    this.#ports = ports;
    this.#names = names;
    this.#runner = device === "cpu"
      ? new HostRunner(session, ports)
      : new DeviceRunner(session, ports, {
        device,
        keep: names.map((name) => keep.includes(name)),
      });
  }

  run(feeds: Tensors, into: Tensors = {}): Promise<Record<string, Tensor>> {
    return this.#inTurn(async () => {
      this.#requireLive("run the graph");
      const results = await this.#runner.run(
        this.#ports.inputs.map(({ name, dtype }) =>
          boundOf(feedFor(name, feeds), { kind: "input", name, dtype })
        ),
        this.#ports.outputs.map(({ dtype }, i) => {
          const name = this.#names[i]!;
          return into[name] &&
            boundOf(into[name], { kind: "output", name, dtype });
        }),
      );
      return Object.fromEntries(
        this.#names.map((name, i) => [name, tensorOf(results[i]!)]),
      );
    });
  }

  endProfile(): Promise<string> {
    return this.#inTurn(() => {
      this.#requireLive("end the graph's profile");
      return this.#session.endProfile();
    });
  }

  release(): Promise<void> {
    return this.#inTurn(() => {
      if (!this.#isReleased) this.#runner.release();
      this.#isReleased = true;
    });
  }

  #requireLive(what: string): void {
    if (this.#isReleased) throw new Error(`Cannot ${what}: it is released`);
  }

  #inTurn<T>(task: () => T | Promise<T>): Promise<T> {
    const turn = this.#last.then(task);
    this.#last = turn.catch(() => {});
    return turn;
  }
}

function feedFor(name: string, feeds: Tensors): Tensor {
  if (feeds[name]) return feeds[name];
  throw new RangeError(`Cannot run the graph: input "${name}" is not fed`);
}

/** A tensor for an input or an output of a type. */
function boundOf(
  tensor: Tensor,
  { kind, name, dtype }: Pick<Port, "name" | "dtype"> & {
    kind: "input" | "output";
  },
): Bound {
  if ("onDevice" in tensor) return tensor.onDevice;
  const type = dtypeOf(tensor.data);
  if (type === dtype) return tensor;
  const use = kind === "input" ? "fed" : "given";
  throw new TypeError(
    `Cannot run the graph: ${kind} "${name}" is ${use} ${type}, expected ${dtype}`,
  );
}

function dtypeOf(data: TensorData): DType {
  if (data instanceof Float32Array) return "float32";
  return data instanceof Float64Array ? "float64" : "int32";
}

function tensorOf(bound: Bound): Tensor {
  return bound instanceof OrtValue ? { onDevice: bound } : bound;
}

/**
 * Makes inputs of the weights that are held in memory: as constants each
 * session would have a copy, and fold the nodes that cast them up. Those that
 * are to be rearranged are constants.
 *
 * @returns the arrays to feed.
 */
function heldAsInputs(graph: Graph): Map<string, HostArray> {
  const { constants } = graph;
  const packed = new Set(
    graph.nodes.filter(({ op }) => op.name === "MatMulNBits")
      .flatMap(({ inputs }) => inputs.map(({ name }) => name)),
  );
  const isFed = ({ value, data }: Constant) =>
    "held" in data && !packed.has(value.name);
  const feeds = constants.filter(isFed).flatMap(({ value, data }) => {
    const { name, shape, dtype } = value;
    if (!("held" in data)) return [];
    graph.input(name, shape, dtype);
    return [[name, arrayOf({ dtype, shape }, data)] as const];
  });
  const others = constants.filter((constant) => !isFed(constant));
  constants.splice(0, Infinity, ...others);
  return new Map(feeds);
}

function arrayOf({ dtype, shape }: Type, { held }: Held): HostArray {
  const sizes = shape as readonly number[];
  return { data: held, shape: sizes, isPacked: dtype === "uint4" };
}

/**
 * Takes the bytes of weights that are held in memory out of a graph, which as a
 * file may have 2 GB.
 *
 * @returns the arrays to give the session.
 */
function takeHeld({ constants }: Graph): Map<string, HostArray> {
  const arrays = new Map<string, HostArray>();
  for (const [i, { value, data }] of constants.entries()) {
    if (!("held" in data)) continue;
    arrays.set(value.name, arrayOf(value, data));
    const { byteLength: length } = data.held;
    constants[i] = { value, data: { file: "memory", offset: 0, length } };
  }
  return arrays;
}

/** A tensor's memory on a device under another shape, to be freed. */
export function viewOf(
  { onDevice }: DeviceTensor,
  shape: readonly number[],
): DeviceTensor {
  return { onDevice: onDevice.viewed(shape) };
}

/** Frees the memory that tensors have on a device; others are left alone. */
export function freeTensors(tensors: Tensors): void {
  for (const tensor of Object.values(tensors)) {
    if ("onDevice" in tensor) tensor.onDevice[Symbol.dispose]();
  }
}

/** A tensor that is in a device's memory. */
export function onDevice(tensor: Tensor | undefined): DeviceTensor {
  if (tensor && "onDevice" in tensor) return tensor;
  throw new TypeError("Cannot use a tensor: it is not on the device");
}

/** The numbers of a tensor that is in this process's memory. */
export function hostData(tensor: Tensor | undefined): TensorData {
  if (tensor && "data" in tensor) return tensor.data;
  throw new TypeError("Cannot read a tensor: it is not in host memory");
}

async function createSession(
  { graph, outputs }: { graph: Graph; outputs: readonly Value[] },
  options: CompileOptions,
): Promise<{ session: OrtSession; hash: string }> {
  const externals = graph.constants.flatMap(({ data }) =>
    "file" in data ? [data] : []
  );
  const settings = { ...settingsFor(options, graph), held: takeHeld(graph) };
  if (externals.length === 0) {
    const model = encodeModel(graph, outputs);
    const session = OrtSession.create(model, settings);
    return { session, hash: sha256(model) };
  }
  // The weights stay mapped when the folder is gone.
  using linked = await LinkedFiles.create(
    externals.map(({ file }) => file),
  );
  renameFiles(graph, (file) => linked.nameOf(file));
  const path = join(linked.folder, "model.onnx");
  const model = encodeModel(graph, outputs);
  await Deno.writeFile(path, model);
  const session = OrtSession.create(path, settings);
  return { session, hash: sha256(model) };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Whether weights are widened for each reader: folding would keep all. */
function widensWeights({ nodes, constants }: Graph): boolean {
  const stored = new Set(
    constants.flatMap(({ value, data }) =>
      "file" in data || "held" in data ? [value.name] : []
    ),
  );
  return nodes.some(({ op, inputs }) =>
    op.rematerialize && inputs.some(({ name }) => stored.has(name))
  );
}

function settingsFor(
  { device = "cpu", precision, threads = 1, ...options }: CompileOptions,
  graph: Graph,
): SessionSettings {
  const { strict = false, profile, packWeights = false } = options;
  const isStrict = strict && device !== "cpu";
  return {
    ...{ device, threads, profile: profile ?? null },
    tf32: precision === "tf32",
    // Fusions assume float32.
    optimization: graph.float === "float32" ? "all" : "basic",
    config: {
      // Not set_denormal_as_zero, though softmax gives some hidden keys 10⁻⁴⁵:
      // it reaches the threads of the pool, not the one that runs the graph.
      "session.disable_cpu_ep_fallback": isStrict ? "1" : "0",
      // A packed copy of mapped weights doubles them and saves little where a
      // product has hundreds of rows.
      "session.disable_prepacking": packWeights && device === "cpu" ? "0" : "1",
      // Common subexpressions would be the forward pass and nodes that the
      // backward pass computes again to save memory.
      "optimization.disable_specified_optimizers": widensWeights(graph)
        ? "CommonSubexpressionElimination;ConstantFolding"
        : "CommonSubexpressionElimination",
    },
  };
}
