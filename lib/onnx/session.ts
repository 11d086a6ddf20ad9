import { createHash } from "node:crypto";
import { join } from "node:path";
import { OrtSession } from "./ffi/ort_session.ts";
import type { SessionSettings } from "./ffi/session_options.ts";
import { limitsOf, requireFit } from "./adapters.ts";
import type { Graph, Value } from "./graph/graph.ts";
import { heldAsInputs, takeHeld, widensWeights } from "./held_weights.ts";
import { LinkedFiles } from "./linked_files.ts";
import { inOrder, lower } from "./lower.ts";
import { CompiledGraph, type Program } from "./program.ts";
import { encodeModel } from "./proto.ts";
import { inPrecision } from "./precision.ts";
import { optimizationOf } from "./optimization.ts";
import { renameFiles } from "./rename.ts";
import {
  type Device,
  fitsKernel,
  HALVES,
  hasKernel,
  type Precision,
} from "./providers.ts";
import { turnsOn } from "./turns.ts";

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
  const { session, hash } = await turnsOn(device).take(() =>
    createSession(lowered, options)
  );
  return new CompiledGraph(session, ports, {
    ...{ nodes: lowered.graph.nodes.length, hash, device, keep },
    names: ordered.map(([name]) => name),
  });
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

function hasIntegerProducts({ nodes }: Graph): boolean {
  return nodes.some(({ op }) => op.name === "MatMulIntegerToFloat");
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
    optimization: optimizationOf(graph, device),
    config: {
      // Not set_denormal_as_zero, though softmax gives some hidden keys 10⁻⁴⁵:
      // it reaches the threads of the pool, not the one that runs the graph.
      "session.disable_cpu_ep_fallback": isStrict ? "1" : "0",
      // A packed copy of mapped weights doubles them and saves little where a
      // product of float32 has hundreds of rows, unlike one of whole numbers.
      "session.disable_prepacking":
        device === "cpu" && (packWeights || hasIntegerProducts(graph))
          ? "0"
          : "1",
      // Common subexpressions would be the forward pass and nodes that the
      // backward pass computes again to save memory.
      "optimization.disable_specified_optimizers": widensWeights(graph)
        ? "CommonSubexpressionElimination;ConstantFolding"
        : "CommonSubexpressionElimination",
    },
  };
}
