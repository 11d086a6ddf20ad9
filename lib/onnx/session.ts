import { createHash } from "node:crypto";
import "./no_telemetry.ts"; // before onnxruntime
import * as ort from "onnxruntime-node";
import { basename, dirname, join } from "node:path";
import { arch, platform } from "node:process";
import { fileURLToPath } from "node:url";
import type { DType, Graph, Held, Value } from "./graph.ts";
import { LinkedFiles } from "./linked_files.ts";
import { lower } from "./lower.ts";
import { encodeModel } from "./proto.ts";
import { renameFiles } from "./rename.ts";
import { type Device, DEVICES, hasKernel } from "./providers.ts";

// Errors are thrown; onnxruntime would print them too.
ort.env.logLevel = "fatal";
const FATAL = 4;

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
  readonly onDevice: ort.Tensor;
}

/** A tensor, wherever its numbers are. */
export type Tensor = HostTensor | DeviceTensor;
/** Tensors by name. */
export type Tensors = Readonly<Record<string, Tensor>>;

/** Options of {@linkcode compile}. */
export interface CompileOptions {
  /** The device that computes. @default "cpu" */
  device?: Device;
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
   * very tensors fed, which updates them in place; on WebGPU they must not.
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
  const { device = "cpu", last = [] } = options;
  // Names that are not in `last` have index −1.
  const ordered = Object.entries(outputs).toSorted(([a], [b]) =>
    last.indexOf(a) - last.indexOf(b)
  );
  const lowered = lower(
    ordered.map(([, value]) => value),
    (op, float) => hasKernel(op, device, float),
  );
  const dtypes = new Map(
    lowered.graph.inputs.map(({ name, dtype }) => [name, dtype]),
  );
  const held = device === "cpu" ? heldAsInputs(lowered.graph) : {};
  const { session, hash } = await createSession(lowered, options);
  const names = ordered.map(([name], i) =>
    [name, lowered.outputs[i]!.name] as const
  );
  return {
    nodes: lowered.graph.nodes.length,
    hash,
    run: async (feeds, into = {}) => {
      const fetches = Object.fromEntries(
        names.map(([name, inner]) => [
          inner,
          into[name] ? toOrt(into[name]) : null,
        ]),
      );
      const inputs = { ...held, ...feedsOf(dtypes, feeds) };
      const result = await session.run(inputs, fetches);
      return Object.fromEntries(
        names.map(([name, inner]) => [name, fromOrt(result[inner]!)]),
      );
    },
    endProfile: () => {
      session.endProfiling();
      return profileFile(options.profile);
    },
    release: () => session.release(),
  };
}

/** The file that onnxruntime named after a prefix and the time. */
async function profileFile(prefix: string | undefined): Promise<string> {
  if (prefix === undefined) {
    throw new Error("Cannot end a profile: the graph is compiled without one");
  }
  const names = await Array.fromAsync(Deno.readDir(dirname(prefix)));
  const name = names.map(({ name }) => name).toSorted().findLast((name) =>
    name.startsWith(`${basename(prefix)}_`)
  );
  return join(dirname(prefix), name!);
}

function feedsOf(
  dtypes: ReadonlyMap<string, DType>,
  feeds: Tensors,
): Record<string, ort.Tensor> {
  return Object.fromEntries(
    [...dtypes].map(([name, dtype]) => {
      const feed = feeds[name];
      if (!feed) {
        throw new RangeError(
          `Cannot run the graph: input "${name}" is not fed`,
        );
      }
      const tensor = toOrt(feed);
      if (tensor.type !== dtype) {
        throw new TypeError(
          `Cannot run the graph: input "${name}" is fed ${tensor.type}, expected ${dtype}`,
        );
      }
      return [name, tensor];
    }),
  );
}

/**
 * Makes inputs of the weights that are held in memory: as constants each
 * session would have a copy, and fold the nodes that cast them up.
 *
 * @returns the tensors to feed.
 */
function heldAsInputs(graph: Graph): Record<string, ort.Tensor> {
  const { constants } = graph;
  const feeds = constants.flatMap(({ value: { name, shape, dtype }, data }) => {
    if (!("held" in data)) return [];
    graph.input(name, shape, dtype);
    return [[name, heldTensor(data, shape as readonly number[])] as const];
  });
  const others = constants.filter(({ data }) => !("held" in data));
  constants.splice(0, Infinity, ...others);
  return Object.fromEntries(feeds);
}

function heldTensor({ held }: Held, dims: readonly number[]): ort.Tensor {
  if (held instanceof Float32Array) {
    return new ort.Tensor("float32", held, dims);
  }
  if (held instanceof Int8Array) return new ort.Tensor("int8", held, dims);
  if (held instanceof Uint8Array) return new ort.Tensor("uint8", held, dims);
  // The constructor would make a Float16Array, which the engine does not know.
  return Object.create(ort.Tensor.prototype, {
    type: { value: "float16" },
    data: { value: held },
    dims: { value: dims },
    location: { value: "cpu" },
  });
}

function toOrt(tensor: Tensor): ort.Tensor {
  if ("onDevice" in tensor) return tensor.onDevice;
  const { data, shape } = tensor;
  if (data instanceof Float32Array) {
    return new ort.Tensor("float32", data, shape);
  }
  if (data instanceof Float64Array) {
    return new ort.Tensor("float64", data, shape);
  }
  return new ort.Tensor("int32", data, shape);
}

function fromOrt(tensor: ort.Tensor): Tensor {
  if (tensor.location === "gpu-buffer") return { onDevice: tensor };
  return { data: tensor.data as TensorData, shape: tensor.dims };
}

/** A tensor's memory on a device under another shape. */
export function viewOf(
  { onDevice }: DeviceTensor,
  shape: readonly number[],
): DeviceTensor {
  const view = ort.Tensor.fromGpuBuffer(onDevice.gpuBuffer, {
    dataType: "float32",
    dims: shape,
  });
  return { onDevice: view };
}

/** The numbers of a tensor that is in this process's memory. */
export function hostData(tensor: Tensor | undefined): TensorData {
  if (tensor && "data" in tensor) return tensor.data;
  throw new TypeError("Cannot read a tensor: it is not in host memory");
}

/** A model in an .onnx file that others made. */
export interface ModelFile {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /**
   * Runs it on one row of whole numbers for each input.
   *
   * @returns the output of this name.
   * @throws TypeError where that is not of float32.
   */
  run(
    feeds: Readonly<Record<string, readonly number[]>>,
    output: string,
  ): Promise<
    { readonly data: Float32Array; readonly shape: readonly number[] }
  >;
  /** Frees its memory. */
  release(): Promise<void>;
}

/** Opens a model file, to run it on CPU. */
export async function openModelFile(
  path: string,
  { threads = 1 }: Pick<CompileOptions, "threads"> = {},
): Promise<ModelFile> {
  const session = await ort.InferenceSession.create(path, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: FATAL,
  });
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    run: async (feeds, output) => {
      const rows = Object.entries(feeds).map(([name, row]) => {
        const data = BigInt64Array.from(row, BigInt);
        return [name, new ort.Tensor("int64", data, [1, row.length])] as const;
      });
      const result = await session.run(Object.fromEntries(rows), [output]);
      const { data, type, dims } = result[output]!;
      if (data instanceof Float32Array) return { data, shape: dims };
      throw new TypeError(
        `Cannot read the output "${output}": found ${type}, expected float32`,
      );
    },
    release: () => session.release(),
  };
}

/** The engine as installed. */
export interface Engine {
  readonly version: string;
  /** Devices that its binary for this platform knows. */
  readonly devices: ReadonlySet<Device>;
  /** Folder of the binary, where provider libraries are looked for. */
  readonly folder: string;
}

/** onnxruntime as installed, its devices and its folder. */
export function engine(): Engine {
  const known = ort.listSupportedBackends().map(({ name }) => name);
  const entry = fileURLToPath(import.meta.resolve("onnxruntime-node"));
  return {
    version: ort.env.versions.node!,
    devices: new Set(DEVICES.filter((device) => known.includes(device))),
    folder: join(dirname(entry), "../bin/napi-v6", platform, arch),
  };
}

async function createSession(
  { graph, outputs }: { graph: Graph; outputs: readonly Value[] },
  options: CompileOptions,
): Promise<{ session: ort.InferenceSession; hash: string }> {
  const externals = graph.constants.flatMap(({ data }) =>
    "file" in data ? [data] : []
  );
  const settings = sessionOptions(options, graph);
  if (externals.length === 0) {
    const model = encodeModel(graph, outputs);
    const session = await ort.InferenceSession.create(model, settings);
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
  const session = await ort.InferenceSession.create(path, settings);
  return { session, hash: sha256(model) };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Whether stored weights are widened for each reader: folding would keep all. */
function widensFiles({ nodes, constants }: Graph): boolean {
  const stored = new Set(
    constants.flatMap(({ value, data }) => "file" in data ? [value.name] : []),
  );
  return nodes.some(({ op, inputs }) =>
    op.rematerialize && inputs.some(({ name }) => stored.has(name))
  );
}

function sessionOptions(
  {
    device = "cpu",
    threads = 1,
    strict = false,
    keep = [],
    profile,
    packWeights = false,
  }: CompileOptions,
  graph: Graph,
): ort.InferenceSession.SessionOptions {
  return {
    executionProviders: device === "cpu" ? ["cpu"] : [device, "cpu"],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    // Fusions assume float32.
    graphOptimizationLevel: graph.float === "float32" ? "all" : "basic",
    logSeverityLevel: FATAL,
    // With the pattern planner on, a training step's peak doubles.
    enableMemPattern: false,
    ...(profile === undefined
      ? {}
      : { enableProfiling: true, profileFilePrefix: profile }),
    ...(keep.length > 0 ? { preferredOutputLocation: "gpu-buffer" } : {}),
    extra: {
      session: {
        disable_cpu_ep_fallback: strict && device !== "cpu" ? "1" : "0",
        // A packed copy of mapped weights doubles them and saves little where
        // a product has hundreds of rows.
        disable_prepacking: packWeights && device === "cpu" ? "0" : "1",
        // Not set_denormal_as_zero, though softmax gives hidden keys 10⁻⁴⁵
        // and arithmetic on that takes a seventh of a training step: it sets
        // the processor's mode for JavaScript on the thread, too.
      },
      optimization: {
        // It would merge the forward pass with nodes that the backward pass
        // computes again to save memory.
        disable_specified_optimizers: widensFiles(graph)
          ? "CommonSubexpressionElimination;ConstantFolding"
          : "CommonSubexpressionElimination",
      },
    },
  };
}
