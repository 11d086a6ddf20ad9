import { reasonOf } from "../files/values.ts";
import { graphicsAdapter } from "./adapters.ts";
import { apply } from "./graph/apply.ts";
import { Graph, type Op, type Value } from "./graph/graph.ts";
import { sameType } from "./graph/tensor_type.ts";
import {
  type Device,
  DEVICES,
  type Precision,
  precisionFault,
} from "./providers.ts";
import { engine } from "./engine.ts";
import { driverFault, libraryFault, missingForCuda } from "./ffi/cuda.ts";
import { compile } from "./session.ts";
import { hostData } from "./tensors.ts";

/** Words by which people choose a device. */
export const DEVICE_WORDS = ["auto", ...DEVICES] as const;

/**
 * The device that a word stands for: `auto` is CUDA where it works, else WebGPU
 * where it has a GPU rather than software that plays one, else the CPU.
 *
 * @throws RangeError for another word, else Error as {@linkcode unavailable}
 * returns it.
 */
export async function resolveDevice(word: string): Promise<Device> {
  if (word === "auto") return await fastest();
  const device = DEVICES.find((device) => device === word);
  if (!device) {
    const words = DEVICE_WORDS.join(", ");
    throw new RangeError(`Unknown device "${word}": expected one of ${words}`);
  }
  const error = await unavailable(device);
  if (error) throw error;
  return device;
}

async function fastest(): Promise<Device> {
  if (!await unavailable("cuda")) return "cuda";
  // Without a GPU, asking for one only makes its drivers print warnings.
  if (!mayHaveGpu()) return "cpu";
  const adapter = await graphicsAdapter();
  if (!adapter || adapter.isSoftware) return "cpu";
  return await unavailable("webgpu") ? "cpu" : "webgpu";
}

/** Files by which Linux lets programs at a GPU: Mesa's, NVIDIA's, and WSL's. */
const GPU_FILES = ["/dev/dri", "/dev/nvidia0", "/dev/dxg"];

function mayHaveGpu(): boolean {
  return Deno.build.os !== "linux" || GPU_FILES.some(exists);
}

/**
 * Why a device does not work on this machine; null if it does. A trial decides.
 *
 * @returns an Error that says what is missing and what to do about it.
 */
export async function unavailable(device: Device): Promise<Error | null> {
  const because = (reason: string, cause?: unknown) =>
    new Error(`Cannot use device "${device}": ${reason}`, { cause });
  if (!engine().devices.has(device)) {
    const { os, arch } = Deno.build;
    return because(`onnxruntime does not support it on ${os} ${arch}`);
  }
  const fault = device === "cuda" ? driverFault() ?? libraryFault() : null;
  if (fault) return because(fault);
  const failure = await failureOn(device);
  return failure && because(`${failure.message}. ${NEEDS[device]}`, failure);
}

const NEEDS: Record<Device, string> = {
  cpu: "Please report this",
  webgpu: "It takes a GPU and, on Linux, its Vulkan driver and libvulkan.so.1",
  cuda: "It takes an NVIDIA GPU, its driver for CUDA 13, and the libraries " +
    "that `deno task setup cuda` gets",
};

/**
 * Why a device that works does not compute in a number format; null if it does.
 * A trial decides.
 *
 * @returns an Error that names both.
 */
export async function unavailablePrecision(
  device: Device,
  precision: Precision,
): Promise<Error | null> {
  if (precision === "float32") return null;
  const failure = precisionFault(device, precision) ??
    await failureOn(device, precision);
  if (failure === null) return null;
  const reason = typeof failure === "string"
    ? failure
    : device === "webgpu"
    ? "its adapter lacks shader-f16"
    : failure.message;
  return new Error(
    `Cannot use precision "${precision}" on device "${device}": ${reason}`,
    { cause: failure },
  );
}

async function failureOn(
  device: Device,
  precision: Precision = "float32",
): Promise<Error | null> {
  try {
    await tryOut(device, precision);
    return null;
  } catch (cause) {
    const missing = device === "cuda" ? missingForCuda() : null;
    const message = reasonOf(cause);
    const reason = missing ?? message.match(REASON)?.[0] ?? message;
    return new Error(reason.trim(), { cause });
  }
}

const MatMulInteger: Op<readonly [a: Value, b: Value]> = {
  name: "MatMulInteger",
  infer: ([a, b]) => [{ dtype: "int32", shape: [a.shape[0]!, b.shape[1]!] }],
};

/**
 * Why products of whole numbers of 8 bits are wrong on this processor, in words
 * that follow a colon; null if they are right. Sums of pairs of them stop at 16
 * bits on x86 without VNNI. A trial decides.
 */
export async function integerFault(): Promise<string | null> {
  const [rows, inner, columns] = [2, 64, 16];
  const graph = new Graph();
  const a = graph.constant(new Uint8Array(rows * inner).fill(255), [
    rows,
    inner,
  ]);
  const b = graph.external({ dtype: "int8", shape: [inner, columns] }, {
    held: new Int8Array(inner * columns).fill(127),
  });
  const program = await compile({ y: apply(MatMulInteger, [a, b]) });
  try {
    const products = hostData((await program.run({}))["y"]);
    const isRight = products.every((y) => y === inner * 255 * 127);
    return isRight
      ? null
      : "it lacks VNNI, without which products of whole numbers are cut off";
  } finally {
    await program.release();
  }
}

/** The part of onnxruntime's messages that is not about its own source. */
const REASON = /CUDA failure \d+: [^;]+|(?<= was false\. ).+/;

const MatMul: Op<readonly [x: Value, y: Value]> = {
  name: "MatMul",
  infer: sameType,
};

async function tryOut(device: Device, precision: Precision): Promise<void> {
  const x = new Graph().input("x", [1, 1]);
  const y = apply(MatMul, [x, x]);
  const program = await compile({ y }, { device, precision, strict: true });
  try {
    const x = { data: Float32Array.of(-3), shape: [1, 1] };
    const [actual] = hostData((await program.run({ x }))["y"]);
    if (actual !== 9) throw new Error(`(−3)² is ${actual} on it, expected 9`);
  } finally {
    await program.release();
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
