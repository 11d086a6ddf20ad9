import { DeviceRunner } from "./ffi/device_runner.ts";
import { HostRunner } from "./ffi/host_runner.ts";
import type { OrtSession } from "./ffi/ort_session.ts";
import { OrtValue } from "./ffi/ort_value.ts";
import type { Bound, Port, Ports, Runner } from "./ffi/ports.ts";
import type { DType } from "./graph/tensor_type.ts";
import type { Device } from "./providers.ts";
import type { Tensor, TensorData, Tensors } from "./tensors.ts";
import { type Turns, turnsOn } from "./turns.ts";

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
   * @throws Error where it was compiled without one.
   */
  endProfile(): Promise<string>;
  /** Frees its memory. */
  release(): Promise<void>;
}

/** What the outside knows of a compiled graph. */
export interface GraphFacts extends Pick<Program, "nodes" | "hash"> {
  readonly device: Device;
  /** Names of its outputs, in order. */
  readonly names: readonly string[];
  /** Names of outputs that stay on the device. */
  readonly keep: readonly string[];
}

/** A graph whose session runs it, one run after the other. */
export class CompiledGraph implements Program {
  readonly nodes: number;
  readonly hash: string;
  readonly #session: OrtSession;
  readonly #runner: Runner;
  readonly #ports: Ports;
  readonly #names: readonly string[];
  readonly #turns: Turns;
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
    this.#turns = turnsOn(device);
    this.#runner = device === "cpu"
      ? new HostRunner(session, ports)
      : new DeviceRunner(session, ports, {
        device,
        keep: names.map((name) => keep.includes(name)),
      });
  }

  run(feeds: Tensors, into: Tensors = {}): Promise<Record<string, Tensor>> {
    return this.#turns.take(async () => {
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
    return this.#turns.take(() => {
      this.#requireLive("end the graph's profile");
      return this.#session.endProfile();
    });
  }

  release(): Promise<void> {
    return this.#turns.take(() => {
      if (!this.#isReleased) this.#runner.release();
      this.#isReleased = true;
    });
  }

  #requireLive(what: string): void {
    if (this.#isReleased) throw new Error(`Cannot ${what}: it is released`);
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
