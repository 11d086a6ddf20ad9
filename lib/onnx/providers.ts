import { knownBytes } from "./bytes.ts";
import type { AnyOp } from "./graph/graph.ts";
import type { Float, Type } from "./graph/tensor_type.ts";

/** A processor that runs graphs. */
export type Device = "cpu" | "webgpu" | "cuda";
/** Every device. */
export const DEVICES = ["cpu", "webgpu", "cuda"] as const;

/** Thrown where a device fails in a run; the state on it may be lost. */
export class DeviceError extends Error {
  /** Tells it from other errors. */
  override name = "DeviceError";

  constructor(readonly device: Device, cause: Error) {
    const [reason] = cause.message.split("\n");
    const hint = MEMORY.test(reason!) ? `; ${MORE_MEMORY}` : "";
    super(`The device ${device} failed: ${reason}${hint}`, { cause });
  }
}

/** Words of CUDA and of WebGPU for memory that a device does not have. */
const MEMORY = /out of memory|failed to allocate|invalid buffer/i;
const MORE_MEMORY = "it may lack memory, which --micro-tokens bounds in " +
  "training, and --batch in generation";

/**
 * The number format of a graph's products and of what is computed from them:
 * float32; TF32, of which products on NVIDIA's GPUs read 11 bits; bfloat16 with 8
 * bits and float32's range; float16 with 11 bits and numbers up to 65,504. All
 * that is fed and all results are in float32.
 */
export type Precision = "float32" | "tf32" | "bfloat16" | "float16";
/** A type of 16 bits. */
export type Half = Extract<Precision, "bfloat16" | "float16">;
/** Formats, and the types of 16 bits that they take. */
export const HALVES: Readonly<Record<Precision, Half | null>> = {
  float32: null,
  tf32: null,
  bfloat16: "bfloat16",
  float16: "float16",
};
/** Every format. */
export const PRECISIONS = Object.keys(HALVES) as Precision[];

/**
 * Why a device does not compute in a format, in words that follow a colon; null
 * if its kind does.
 */
export function precisionFault(
  device: Device,
  precision: Precision,
): string | null {
  if (precision === "tf32" && device !== "cuda") {
    return "TF32 is a format of NVIDIA's GPUs: it takes --device cuda";
  }
  return precision === "bfloat16" && device === "webgpu"
    ? "WebGPU has no bfloat16; float16 is there on most adapters"
    : null;
}

/**
 * An execution provider of onnxruntime, as trials of 1.30 found it. With these
 * operators lowered no node of a training step leaves the device: tests compile
 * it in strict mode.
 */
interface Provider {
  /** Standard operators without a kernel, or with a wrong one. */
  readonly missing: ReadonlySet<string>;
  /**
   * Operators whose kernel fails where its output is larger than the part of a
   * tensor that it reads at once. @default none
   */
  readonly limited?: ReadonlySet<string>;
}

const PROVIDERS: Record<Device, Provider> = {
  cpu: {
    missing: new Set([
      // Slower than dequantizing by rows of blocks.
      "MatMulNBits",
      "GatherBlockQuantized",
    ]),
  },
  webgpu: {
    missing: new Set([
      "FusedMatMul",
      "LogSoftmax",
      // Their second outputs, statistics, are never written.
      "SimplifiedLayerNormalization",
      "LayerNormalization",
      // Not tried.
      "RotaryEmbedding",
      // Exact to 2⁻¹¹ only, as https://www.w3.org/TR/WGSL has it: rotary angles
      // that far off move gradients by 1 part in 30,000.
      "Sin",
      "Cos",
      // Only on CPU.
      "MatMulIntegerToFloat",
      // onnxruntime makes it itself.
      "QuickGelu",
    ]),
    limited: new Set(["ScatterRows"]),
  },
  // Not tried.
  cuda: {
    missing: new Set(["RotaryEmbedding", "MatMulIntegerToFloat", "QuickGelu"]),
  },
};

/**
 * Operators with a kernel that rounds in other places than products in 16 bits
 * do.
 */
const IN_FLOAT32 = new Set([
  "MatMulNBits",
  "MatMulIntegerToFloat",
  "QuickGelu",
]);

/** Operators that are slow on CPU unless their operands are rearranged. */
const IF_PACKED = new Set(["MatMulNBits"]);

/** Whether an operator has a kernel of its own; our composites never do. */
export function hasKernel(
  op: AnyOp,
  device: Device,
  { float, precision = "float32", isPacked = false }: {
    float: Float;
    precision?: Precision;
    /** Whether its constant operands are rearranged once, for all runs. */
    isPacked?: boolean;
  },
): boolean {
  if (isPacked && device === "cpu" && IF_PACKED.has(op.name)) return true;
  if (op.domain === "prefgrad" || PROVIDERS[device].missing.has(op.name)) {
    return false;
  }
  if (HALVES[precision] !== null && IN_FLOAT32.has(op.name)) return false;
  // In float64, which only tests use, kernels are few: lower where possible.
  return float === "float32" || !op.lower;
}

/**
 * Whether a kernel can make an output of a type, if it makes outputs at all.
 *
 * @param limit bytes of the part of a tensor that a kernel reads at once.
 */
export function fitsKernel(
  op: AnyOp,
  output: Type,
  { device, limit }: { device: Device; limit: number },
): boolean {
  // Other sizes are those of a batch, which is cut to be small.
  return !PROVIDERS[device].limited?.has(op.name) ||
    (knownBytes(output) ?? 0) <= limit;
}
