import type { Graph } from "./graph/graph.ts";
import type { Device } from "./providers.ts";
import { knownBytes } from "./bytes.ts";

/**
 * Adapters as WebGPU tells them apart: all that onnxruntime lets a program
 * choose. Which GPU is which the drivers decide, and variables of theirs.
 */
export const ADAPTER_WORDS = ["high-performance", "low-power"] as const;
export type AdapterWord = typeof ADAPTER_WORDS[number];

/** The environment variable that chooses; processes that this one starts have it. */
export const ADAPTER_VARIABLE = "PREFGRAD_ADAPTER";

/**
 * The adapter that is asked for; onnxruntime has one in a process.
 *
 * @param value of the environment variable.
 * @throws RangeError for another word.
 */
export function wantedAdapter(
  value = Deno.env.get(ADAPTER_VARIABLE),
): AdapterWord {
  const word = value || ADAPTER_WORDS[0];
  const known = ADAPTER_WORDS.find((each) => each === word);
  if (known) return known;
  throw new RangeError(
    `${ADAPTER_VARIABLE} is "${word}", expected one of ${
      ADAPTER_WORDS.join(", ")
    }`,
  );
}

/** A processor behind WebGPU. */
export interface GraphicsAdapter {
  readonly name: string;
  /** The maker's name, or its number in hexadecimal, as the driver has it. */
  readonly vendor: string;
  /** Whether it is a program on the CPU, such as SwiftShader or llvmpipe. */
  readonly isSoftware: boolean;
  /** Whether it computes in float16. */
  readonly hasFloat16: boolean;
  readonly limits: Limits;
}

/**
 * The adapter of Deno's own WebGPU; null without one. onnxruntime does not name
 * its adapter, which it gets from the same drivers.
 */
export async function graphicsAdapter(
  powerPreference: AdapterWord = wantedAdapter(),
): Promise<GraphicsAdapter | null> {
  const adapter = await navigator.gpu.requestAdapter({ powerPreference });
  if (!adapter) return null;
  const { info, features, limits } = adapter;
  const vendor = /^\d+$/.test(info.vendor)
    ? `0x${Number(info.vendor).toString(16)}`
    : info.vendor;
  return {
    name: info.description || vendor,
    vendor,
    isSoftware: info.isFallbackAdapter,
    hasFloat16: features.has("shader-f16"),
    limits: {
      buffer: limits.maxBufferSize,
      binding: limits.maxStorageBufferBindingSize,
    },
  };
}

/** Bytes of the largest tensor, and of its largest part that a kernel reads. */
export interface Limits {
  readonly buffer: number;
  readonly binding: number;
}

const UNLIMITED: Limits = { buffer: Infinity, binding: Infinity };
let limits: Promise<Limits> | undefined;

/** Limits of a device, for WebGPU those of the adapter of this process. */
export async function limitsOf(device: Device): Promise<Limits> {
  if (device !== "webgpu") return UNLIMITED;
  limits ??= graphicsAdapter().then((found) => found?.limits ?? UNLIMITED);
  return await limits;
}

/** @throws RangeError for a tensor that no buffer holds. */
export function requireFit(
  { nodes, inputs, constants }: Graph,
  { buffer }: Pick<Limits, "buffer">,
): void {
  const values = [
    ...[...inputs, ...constants.map(({ value }) => value)],
    ...nodes.flatMap(({ outputs }) => outputs),
  ];
  const large = values.find((value) => (knownBytes(value) ?? 0) > buffer);
  if (!large) return;
  throw new RangeError(
    `Cannot compute on webgpu: a tensor of shape [${large.shape}] has ` +
      `${knownBytes(large)} bytes, and a buffer of the adapter holds ${buffer}`,
  );
}
