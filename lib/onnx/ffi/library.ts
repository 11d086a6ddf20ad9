import "../no_telemetry.ts"; // before the library is loaded
import { dirname, join } from "node:path";
import { arch, platform } from "node:process";
import { fileURLToPath } from "node:url";
import { version } from "onnxruntime-node/dist/version.js";

// By its whole name, which projects without an import map for it know, too.
const PACKAGE = import.meta.resolve(`npm:onnxruntime-node@${version}`);

/** The version of onnxruntime. */
export const VERSION = version;

/** Where onnxruntime's library is, and where it looks for its providers'. */
export const FOLDER = join(
  dirname(fileURLToPath(PACKAGE)),
  "../bin/napi-v6",
  platform,
  arch,
);

const FILES: Readonly<Record<string, string>> = {
  linux: "libonnxruntime.so.1",
  darwin: "libonnxruntime.1.dylib",
  windows: "onnxruntime.dll",
};

const { symbols } = Deno.dlopen(join(FOLDER, FILES[Deno.build.os]!), {
  OrtGetApiBase: { parameters: [], result: "pointer" },
});

/** `OrtApiBase`, of which the first member is `GetApi`. */
const base = new Deno.UnsafePointerView(symbols.OrtGetApiBase()!);

function pointerTo<Definition>(
  table: Deno.UnsafePointerView,
  index: number,
): Deno.PointerObject<Definition> {
  return Deno.UnsafePointer.create<Definition>(table.getBigUint64(8 * index))!;
}

/** Members are only ever added to `OrtApi`, so newer libraries have this, too. */
const API_VERSION = 30;

const table = new Deno.UnsafePointerView(
  new Deno.UnsafeFnPointer(
    pointerTo(base, 0),
    { parameters: ["u32"], result: "pointer" } as const,
  ).call(API_VERSION)!,
);

/** A member of `OrtApi` that returns an `OrtStatus*`, or 0 for success. */
function method<const Parameters extends readonly Deno.NativeType[]>(
  index: number,
  parameters: Parameters,
) {
  return new Deno.UnsafeFnPointer(
    pointerTo(table, index),
    { parameters, result: "u64" } as const,
  );
}

/** The same, called off JavaScript's thread. */
function offThread<const Parameters extends readonly Deno.NativeType[]>(
  index: number,
  parameters: Parameters,
) {
  return new Deno.UnsafeFnPointer(
    pointerTo(table, index),
    { parameters, result: "u64", nonblocking: true } as const,
  );
}

/** A member of `OrtApi` that frees an object. */
function freeing(index: number) {
  return new Deno.UnsafeFnPointer(
    pointerTo(table, index),
    { parameters: ["u64"], result: "void" } as const,
  );
}

const RUN = [
  ...["u64", "u64", "buffer", "buffer", "usize"] as const,
  ...["buffer", "usize", "buffer"] as const,
] as const;

/**
 * Members of `OrtApi` with their places in it, as in onnxruntime_c_api.h:
 * https://github.com/microsoft/onnxruntime/blob/v1.30.0/include/onnxruntime/core/session/onnxruntime_c_api.h.
 * Objects are addresses; those that a member makes go to its last argument.
 */
export const api = {
  createEnv: method(3, ["i32", "buffer", "buffer"]),
  createSession: method(7, ["u64", "buffer", "u64", "buffer"]),
  createSessionFromArray: method(8, [
    ...["u64", "buffer", "usize", "u64", "buffer"] as const,
  ]),
  run: method(9, RUN),
  runOffThread: offThread(9, RUN),
  createSessionOptions: method(10, ["buffer"]),
  enableProfiling: method(14, ["u64", "buffer"]),
  disableMemPattern: method(17, ["u64"]),
  setSessionLogSeverityLevel: method(22, ["u64", "i32"]),
  setSessionGraphOptimizationLevel: method(23, ["u64", "i32"]),
  setIntraOpNumThreads: method(24, ["u64", "i32"]),
  setInterOpNumThreads: method(25, ["u64", "i32"]),
  sessionGetInputCount: method(30, ["u64", "buffer"]),
  sessionGetOutputCount: method(31, ["u64", "buffer"]),
  sessionGetInputName: method(36, ["u64", "usize", "u64", "buffer"]),
  sessionGetOutputName: method(37, ["u64", "usize", "u64", "buffer"]),
  createTensorWithDataAsOrtValue: method(49, [
    ...["u64", "buffer", "usize", "buffer", "usize", "i32", "buffer"] as const,
  ]),
  createTensorOverAddress: method(49, [
    ...["u64", "u64", "usize", "buffer", "usize", "i32", "buffer"] as const,
  ]),
  getTensorMutableData: method(51, ["u64", "buffer"]),
  getTensorElementType: method(60, ["u64", "buffer"]),
  getDimensionsCount: method(61, ["u64", "buffer"]),
  getDimensions: method(62, ["u64", "buffer", "usize"]),
  getTensorTypeAndShape: method(65, ["u64", "buffer"]),
  createMemoryInfo: method(68, ["buffer", "i32", "i32", "i32", "buffer"]),
  allocatorFree: method(76, ["u64", "u64"]),
  getAllocatorWithDefaultOptions: method(78, ["buffer"]),
  releaseSession: freeing(95),
  releaseValue: freeing(96),
  releaseTensorTypeAndShapeInfo: freeing(99),
  releaseSessionOptions: freeing(100),
  sessionEndProfiling: method(110, ["u64", "u64", "buffer"]),
  getAvailableProviders: method(125, ["buffer", "buffer"]),
  releaseAvailableProviders: method(126, ["u64", "i32"]),
  addSessionConfigEntry: method(130, ["u64", "buffer", "buffer"]),
  runWithBinding: method(133, ["u64", "u64", "u64"]),
  runWithBindingOffThread: offThread(133, ["u64", "u64", "u64"]),
  createIoBinding: method(134, ["u64", "buffer"]),
  releaseIoBinding: freeing(135),
  bindInput: method(136, ["u64", "buffer", "u64"]),
  bindOutput: method(137, ["u64", "buffer", "u64"]),
  bindOutputToDevice: method(138, ["u64", "buffer", "u64"]),
  getBoundOutputValues: method(140, ["u64", "u64", "buffer", "buffer"]),
  getTensorMemoryInfo: method(194, ["u64", "buffer"]),
  appendCuda: method(204, ["u64", "u64"]),
  createCudaProviderOptions: method(205, ["buffer"]),
  updateCudaProviderOptions: method(206, ["u64", "buffer", "buffer", "usize"]),
  releaseCudaProviderOptions: freeing(208),
  addExternalInitializers: method(210, ["u64", "buffer", "buffer", "usize"]),
  appendExecutionProvider: method(216, [
    ...["u64", "buffer", "buffer", "buffer", "usize"] as const,
  ]),
} as const;

const getErrorMessage = new Deno.UnsafeFnPointer(
  pointerTo(table, 2),
  { parameters: ["u64"], result: "pointer" } as const,
);
const releaseStatus = freeing(93);

/** The names of providers that the library was built with. */
export function providers(): string[] {
  const count = new Int32Array(1);
  const list = made((out) => api.getAvailableProviders.call(out, count));
  const names = new Deno.UnsafePointerView(Deno.UnsafePointer.create(list)!);
  const found = Array.from(
    { length: count[0]! },
    (_, i) => Deno.UnsafePointerView.getCString(names.getPointer(8 * i)!),
  );
  check(api.releaseAvailableProviders.call(list, count[0]!));
  return found;
}

/** Where members put what they make. */
const OUT = new BigUint64Array(new ArrayBuffer(8));

/** The object, or the number, that a member of `OrtApi` makes. */
export function made(call: (out: BigUint64Array) => bigint): bigint {
  check(call(OUT));
  return OUT[0]!;
}

/**
 * Frees a status.
 *
 * @throws Error with onnxruntime's message, unless the status is 0.
 */
export function check(status: bigint): void {
  if (status === 0n) return;
  const message = Deno.UnsafePointerView.getCString(
    getErrorMessage.call(status)!,
  );
  releaseStatus.call(status);
  throw new Error(message);
}

/** The allocator of what onnxruntime returns and we free. */
export const ALLOCATOR = made((out) =>
  api.getAllocatorWithDefaultOptions.call(out)
);
