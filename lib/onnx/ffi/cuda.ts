import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { cachePath } from "../../files/cache_folder.ts";
import { temporaryBeside } from "../../files/temporary.ts";
import { FOLDER, VERSION } from "./library.ts";

/** Libraries of onnxruntime's provider, by their places in a folder that is set up. */
const PROVIDER = [
  "onnxruntime/capi/libonnxruntime_providers_shared.so",
  "onnxruntime/capi/libonnxruntime_providers_cuda.so",
];

/** CUDA's runtime, by which the provider computes. */
const CUDA_RUNTIME = "libcudart.so.13";

/** NVIDIA's libraries that it calls, each after those that it needs itself. */
const RUNTIME = [
  `nvidia/cu13/lib/${CUDA_RUNTIME}`,
  "nvidia/cu13/lib/libcublasLt.so.13",
  "nvidia/cu13/lib/libcublas.so.13",
  "nvidia/cu13/lib/libcurand.so.10",
  "nvidia/cu13/lib/libnvrtc.so.13",
  "nvidia/cudnn/lib/libcudnn.so.9",
];

/** NVIDIA's library for the sums of several GPUs, which one alone does not need. */
export const NCCL = "nvidia/nccl/lib/libnccl.so.2";

/** The driver's library, which belongs to the machine. */
export const DRIVER = "libcuda.so.1";

/** The version of CUDA that the provider was built for, as drivers tell theirs. */
const NEEDED = 13_000;

/**
 * Where the libraries for CUDA are set up: in the user's cache, as packages that
 * are installed anew would lose them.
 *
 * @param env says where caches are. @default that of this process
 */
export function cudaFolder(env?: Readonly<Record<string, string>>): string {
  return join(resolve(cachePath("cuda", env)), VERSION);
}

/** Places of the libraries that a folder lacks; none if it is set up. */
export function missingIn(folder: string): string[] {
  return [...PROVIDER, ...RUNTIME].filter((path) =>
    !existsSync(join(folder, path))
  );
}

/**
 * Names or paths of NCCL and of the runtime: NCCL that is named, or set up, or the
 * system's; the runtime that is open already.
 */
export function ncclPlaces(
  folder: string = cudaFolder(),
): { nccl: string; runtime: string } {
  const path = join(folder, NCCL);
  const found = existsSync(path) ? path : basename(path);
  return {
    nccl: Deno.env.get("PREFGRAD_NCCL") ?? found,
    runtime: CUDA_RUNTIME,
  };
}

/** Where libraries for CUDA come from, and how they are opened. */
interface Places {
  /** @default cudaFolder() */
  readonly from?: string;
  /** Where onnxruntime looks for its provider. @default FOLDER */
  readonly to?: string;
  readonly open?: (path: string) => void;
}

/**
 * Lets onnxruntime find its provider and what that calls, if they are set up.
 * It looks beside its own library alone, so links go there, again after the
 * package was installed anew. (Its own library could lie in the folder, too, but
 * then whoever trains on the CPU would depend on that folder.) Libraries that are
 * open already satisfy the loader by name, so it needs no LD_LIBRARY_PATH.
 *
 * @throws Error of the system where a link cannot be made or a library opened.
 */
export function findCuda(
  { from = cudaFolder(), to = FOLDER, open = openLibrary }: Places = {},
): void {
  if (missingIn(from).length > 0) return;
  for (const path of PROVIDER) {
    link(join(from, path), join(to, basename(path)));
  }
  for (const path of RUNTIME) open(join(from, path));
}

/** Makes a link unless there is a file; one to a file that is gone is replaced. */
function link(from: string, to: string): void {
  if (existsSync(to)) return;
  // Other processes do the same.
  using temporary = temporaryBeside(to);
  Deno.symlinkSync(from, temporary.path);
  Deno.renameSync(temporary.path, to);
}

const OPENED = new Set<string>();

function openLibrary(path: string): void {
  if (OPENED.has(path)) return;
  Deno.dlopen(path, {});
  OPENED.add(path);
}

/**
 * Why CUDA's libraries cannot be found, in words that follow a colon; null if
 * they are set up, or if somebody put the provider beside onnxruntime.
 */
export function libraryFault(
  { from = cudaFolder(), to = FOLDER }: Places = {},
): string | null {
  if (missingIn(from).length === 0) return null;
  const missing = PROVIDER.map((path) => basename(path))
    .filter((name) => !existsSync(join(to, name)));
  if (missing.length === 0) return null;
  return `${to} lacks ${missing.join(" and ")} of onnxruntime ${VERSION}, ` +
    `which \`deno task setup cuda\` gets`;
}

/** NVIDIA's driver, as https://docs.nvidia.com/cuda/cuda-driver-api has it. */
interface Driver {
  /** The CUDA that it is for: 1000 times its first number, 10 times its second. */
  readonly version: number;
  /** The `CUresult` of its start: 0, or 100 where it finds no GPU. */
  readonly status: number;
}

/** Starts the driver; null without one. It stays open. */
export function startDriver(library = DRIVER): Driver | null {
  const version = new Int32Array(1);
  try {
    const { symbols } = Deno.dlopen(library, {
      cuDriverGetVersion: { parameters: ["buffer"], result: "i32" },
      cuInit: { parameters: ["u32"], result: "i32" },
    });
    symbols.cuDriverGetVersion(version);
    return { version: version[0]!, status: symbols.cuInit(0) };
  } catch {
    return null;
  }
}

/**
 * Why a driver does not do, in words that follow a colon; null if it does. The
 * provider is not even to be loaded then: without a GPU it ends the process with
 * a segmentation fault.
 */
export function driverFault(driver = startDriver()): string | null {
  if (driver === null) {
    return `this machine has no NVIDIA driver (no ${DRIVER} is found)`;
  }
  const { version, status } = driver;
  if (version < NEEDED) {
    return `the NVIDIA driver is for CUDA ${named(version)}, expected ` +
      `${named(NEEDED)} or newer`;
  }
  if (status === 0) return null;
  return `the NVIDIA driver starts no GPU (cuInit ends with ${status})`;
}

function named(version: number): string {
  return `${Math.floor(version / 1000)}.${Math.floor(version % 1000 / 10)}`;
}

/**
 * The file that the system's loader misses for the provider, on which
 * onnxruntime is silent.
 */
export function missingForCuda(): string | null {
  try {
    Deno.dlopen(join(FOLDER, basename(PROVIDER.at(-1)!)), {}).close();
    return null;
  } catch (error) {
    const [missing] =
      String(error).match(/\S+: cannot open shared object file/) ?? [];
    return missing ?? null;
  }
}
