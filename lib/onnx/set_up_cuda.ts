import { existsSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "../files/cache_folder.ts";
import { writeWhole } from "../files/atomic.ts";
import { orNull } from "../files/missing.ts";
import { untilDone, withoutTemporary } from "../files/temporary.ts";
import { reasonOf } from "../files/values.ts";
import {
  cudaFolder,
  DRIVER,
  driverFault,
  missingIn,
  NCCL,
  startDriver,
} from "./ffi/cuda.ts";
import { VERSION } from "./ffi/library.ts";

/**
 * Packages of PyPI that have the libraries. NVIDIA's are of CUDA 13.0, for which
 * the provider is built and which takes the oldest driver. cuDNN does some
 * reductions; nvrtc compiles for it. NCCL sums over GPUs. No operator here takes cuFFT.
 */
export const CUDA_PACKAGES = [
  `onnxruntime-gpu==${VERSION}`,
  "nvidia-cuda-runtime==13.0.96",
  "nvidia-cuda-nvrtc==13.0.88",
  "nvidia-cublas==13.1.0.3",
  "nvidia-curand==10.4.0.35",
  "nvidia-cudnn-cu13==9.15.1.9",
  "nvidia-nccl-cu13==2.27.7",
];

/** Puts packages into a folder. */
type Installer = (folder: string, packages: readonly string[]) => Promise<void>;

interface CudaSetup {
  /** Is told before packages are downloaded. */
  readonly onNote: (text: string) => void;
  /** The driver's library; null not to look for one. @default DRIVER */
  readonly driver?: string | null;
  /** @default pipInstall */
  readonly install?: Installer;
  /** Says where caches are. @default that of this process */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Sets up in the user's cache what CUDA takes besides its driver, unless it is
 * there.
 *
 * @returns the folder.
 * @throws Error that says what is missing: on this machine, before anything is
 * downloaded, or in the packages.
 */
export async function setUpCuda(
  { onNote, driver = DRIVER, install = pipInstall, env }: CudaSetup,
): Promise<string> {
  const fault = platformFault() ??
    (driver === null ? null : driverFault(startDriver(driver)));
  if (fault) throw new Error(`Cannot set up CUDA: ${fault}`);
  await cacheFolder("cuda", env);
  const folder = cudaFolder(env);
  if (await isCurrent(folder)) return folder;
  onNote(`Installing in ${folder}: ${CUDA_PACKAGES.join(", ")}`);
  await writeWhole(folder, async (path) => {
    await install(path, CUDA_PACKAGES);
    refuseIncomplete(path);
    await Deno.writeTextFile(join(path, LIST), CUDA_PACKAGES.join("\n"));
    // A folder cannot be renamed onto an older one.
    await orNull(Deno.remove(folder, { recursive: true }));
  }).catch((cause) => {
    const reason = withoutTemporary(reasonOf(cause));
    throw new Error(`Cannot set up CUDA in ${folder}: ${reason}`, { cause });
  });
  return folder;
}

/** The file that says which packages a folder has. */
const LIST = "packages.txt";

async function isCurrent(folder: string): Promise<boolean> {
  const list = await orNull(Deno.readTextFile(join(folder, LIST)));
  return list === CUDA_PACKAGES.join("\n") && lackedBy(folder).length === 0;
}

function platformFault(): string | null {
  const { os, arch } = Deno.build;
  if (os === "linux" && arch === "x86_64") return null;
  return `onnxruntime has it for Linux on x86_64 alone, this is ${os} on ${arch}`;
}

function lackedBy(folder: string): string[] {
  const nccl = existsSync(join(folder, NCCL)) ? [] : [NCCL];
  return [...missingIn(folder), ...nccl];
}

function refuseIncomplete(folder: string): void {
  const missing = lackedBy(folder);
  if (missing.length === 0) return;
  throw new Error(`the packages lack ${missing.join(", ")}`);
}

/** Machines for which wheels are taken, whatever Python is on this one. */
const PLATFORMS = [
  ...["manylinux_2_28_x86_64", "manylinux_2_27_x86_64"],
  "manylinux2014_x86_64",
];

/**
 * Installs by pip, without what packages depend on: only libraries are used.
 *
 * @throws Error with pip's words, or that says that there is no pip.
 */
export async function pipInstall(
  folder: string,
  packages: readonly string[],
  python = "python3",
): Promise<void> {
  // There, as pip leaves gigabytes behind if it is stopped.
  const temporary = join(folder, "tmp");
  await Deno.mkdir(temporary, { recursive: true });
  const pip = startPip(python, temporary, [
    ...["install", "--quiet", "--disable-pip-version-check"],
    ...["--target", folder, "--no-deps", "--no-compile", "--no-cache-dir"],
    ...["--only-binary=:all:", "--implementation=cp", "--python-version=3.12"],
    ...PLATFORMS.map((platform) => `--platform=${platform}`),
    ...packages,
  ]);
  using _ = untilDone(`pip of ${folder}`, () => pip.kill());
  const { success, stderr } = await pip.output();
  if (success) return await Deno.remove(temporary, { recursive: true });
  const said = new TextDecoder().decode(stderr).trim().split("\n");
  throw new Error(`${python} -m pip says ${said.slice(-2).join(" ")}`);
}

function startPip(
  python: string,
  temporary: string,
  args: readonly string[],
): Deno.ChildProcess {
  try {
    return new Deno.Command(python, {
      args: ["-m", "pip", ...args],
      env: { TMPDIR: temporary },
      ...{ stdin: "null", stdout: "null", stderr: "piped" },
    }).spawn();
  } catch (cause) {
    throw new Error(`it takes Python with pip: ${reasonOf(cause)}`, { cause });
  }
}
