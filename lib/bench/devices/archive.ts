import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeAtomically } from "../../files/atomic.ts";
import { runProgram } from "../../files/program.ts";
import { temporaryFolder } from "../../files/temporary.ts";
import { VERSION } from "../../onnx/ffi/library.ts";
import { CUDA_PACKAGES, pipInstall } from "../../onnx/set_up_cuda.ts";
import { CHECKOUT } from "../../record/environment.ts";
import { packedCode } from "../../record/packed_code.ts";
import { trimProvider } from "./trim_provider.ts";

/** Parts of packages that a machine with Linux on x86-64 does not read. */
const LEFT_OUT = [
  ...["darwin", "win32", "linux/arm64"].map((system) =>
    `prefgrad/node_modules/*/bin/napi-v6/${system}`
  ),
  // Links to what CUDA's folder has, where it is set up.
  "prefgrad/node_modules/*/libonnxruntime_providers_*",
];

/** Where onnxruntime's provider lies, in its package and in a folder for CUDA. */
const PROVIDER = "onnxruntime/capi";

/**
 * Writes an archive with which a machine that has an NVIDIA card and no network
 * measures training: Deno, the code of this commit with its packages, and the
 * CUDA provider of onnxruntime with the kernels of one kind of card. NVIDIA's own
 * libraries are PyTorch's there. `run.sh` in it starts the measurement.
 *
 * @param options `architecture`: ten times the card's compute capability.
 * @returns bytes of the archive.
 * @throws Error outside a checkout, with changes that no commit has, or with the
 * words of git, pip, or tar.
 */
export async function writeArchive(
  path: string,
  { architecture, onNote }: {
    architecture: number;
    onNote: (text: string) => void;
  },
): Promise<number> {
  const { commit, archive } = await packedCode();
  using folder = await temporaryFolder();
  const code = join(folder.path, "prefgrad");
  await Deno.mkdir(code);
  const packed = join(folder.path, "code.tar.gz");
  await Deno.writeFile(packed, archive.stream());
  await runProgram("tar", ["-xf", packed, "-C", code]);
  await Deno.writeTextFile(
    join(code, "provenance.json"),
    JSON.stringify({ commit, dirty: false }),
  );
  await keepPackages(join(code, "deno.json"));
  await runProgram("cp", ["-a", join(CHECKOUT!, "node_modules"), code]);
  onNote(
    `Downloading ${CUDA_PACKAGES[0]} for its kernels of sm_${architecture}`,
  );
  await addProvider(folder.path, architecture);
  await Deno.copyFile(Deno.execPath(), join(folder.path, "deno"));
  const script = fileURLToPath(new URL("carried.sh", import.meta.url));
  await Deno.copyFile(script, join(folder.path, "run.sh"));
  await Deno.chmod(join(folder.path, "run.sh"), 0o755);
  onNote("Compressing");
  await writeAtomically(path, (temporary) => compress(folder.path, temporary));
  return (await Deno.stat(path)).size;
}

/** Lets Deno take packages as they lie there, and ask no registry. */
async function keepPackages(path: string): Promise<void> {
  const config = JSON.parse(await Deno.readTextFile(path));
  const kept = { ...config, nodeModulesDir: "manual" };
  await Deno.writeTextFile(path, JSON.stringify(kept, null, 2));
}

async function addProvider(folder: string, architecture: number) {
  const packages = join(folder, "packages");
  await Deno.mkdir(packages);
  await pipInstall(packages, CUDA_PACKAGES.slice(0, 1));
  const cuda = join(folder, "cache/prefgrad/cuda", VERSION, PROVIDER);
  await Deno.mkdir(cuda, { recursive: true });
  for (const name of ["shared", "cuda"]) {
    const file = `libonnxruntime_providers_${name}.so`;
    const library = await Deno.readFile(join(packages, PROVIDER, file));
    if (name === "cuda") trimProvider(library, architecture);
    await Deno.writeFile(join(cuda, file), library);
  }
}

async function compress(folder: string, path: string): Promise<void> {
  await runProgram("tar", [
    ...LEFT_OUT.map((pattern) => `--exclude=${pattern}`),
    ...["--use-compress-program=xz -6 --threads=0", "-cf", path, "-C", folder],
    ...["run.sh", "deno", "prefgrad", "cache"],
  ]);
}
