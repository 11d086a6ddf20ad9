import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { engine } from "lib/onnx/engine.ts";
import { missingIn } from "lib/onnx/ffi/cuda.ts";
import { CUDA_PACKAGES, pipInstall, setUpCuda } from "lib/onnx/set_up_cuda.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { writeLibraries } from "./set_up_folder.ts";

const { os, arch } = Deno.build;
const ignore = os !== "linux" || arch !== "x86_64";

/** A cache of its own, and an installer that counts its calls. */
function scene(write = writeLibraries) {
  const caches = temporaryFolder();
  const notes: string[] = [];
  return {
    ...{ path: caches.path, notes },
    setUp: (options: { driver?: string | null } = {}) =>
      setUpCuda({
        ...{ driver: null, env: { XDG_CACHE_HOME: caches.path } },
        install: (folder) => Promise.resolve(write(folder)),
        onNote: (note) => notes.push(note),
        ...options,
      }),
    [Symbol.dispose]: () => caches[Symbol.dispose](),
  };
}

Deno.test({
  name: "nothing is downloaded for a machine without a driver",
  ignore,
  fn: async () => {
    using it = scene();
    await rejects(it.setUp({ driver: "libnowhere.so.1" }), {
      message: /^Cannot set up CUDA: this machine has no NVIDIA driver/,
    });
    deepStrictEqual(it.notes, []);
    deepStrictEqual([...Deno.readDirSync(it.path)], []);
  },
});

Deno.test({
  name: "CUDA is set up once, and again when its packages change",
  ignore,
  fn: async () => {
    using it = scene();
    const folder = await it.setUp();
    const { version } = engine();
    strictEqual(folder, join(it.path, "prefgrad/cuda", version));
    deepStrictEqual(missingIn(folder), []);
    ok(it.notes[0]!.includes(`onnxruntime-gpu==${version}, nvidia-`));
    strictEqual(await it.setUp(), folder);
    strictEqual(it.notes.length, 1);
    Deno.writeTextFileSync(join(folder, "packages.txt"), "others");
    Deno.writeTextFileSync(join(folder, "older"), "");
    await it.setUp();
    strictEqual(it.notes.length, 2);
    ok(!existsSync(join(folder, "older")));
  },
});

Deno.test({
  name: "packages without a library are refused, and older ones stay",
  ignore,
  fn: async () => {
    const lacking = "nvidia/cu13/lib/libcublas.so.13";
    using it = scene((folder) => {
      writeLibraries(folder);
      Deno.removeSync(join(folder, lacking));
    });
    const caches = join(it.path, "prefgrad/cuda");
    const older = join(caches, engine().version, "older");
    Deno.mkdirSync(older, { recursive: true });
    await rejects(it.setUp(), {
      message: `Cannot set up CUDA in ${it.path}/prefgrad/cuda/` +
        `${engine().version}: the packages lack ${lacking}`,
    });
    ok(existsSync(older));
    strictEqual([...Deno.readDirSync(caches)].length, 1);
  },
});

/** A program in place of Python. */
function python(folder: string, code: string): string {
  const path = join(folder, "python");
  Deno.writeTextFileSync(path, `#!/bin/sh\n${code}\n`, { mode: 0o755 });
  return path;
}

Deno.test({
  name: "pip is given exact packages and a folder of its own",
  ignore,
  fn: async () => {
    using folder = temporaryFolder();
    const args = join(folder.path, "args");
    const target = join(folder.path, "target");
    const code = `printf '%s\\n' "$@" > ${args}; touch $TMPDIR/left`;
    const fake = python(folder.path, code);
    await pipInstall(target, CUDA_PACKAGES, fake);
    deepStrictEqual([...Deno.readDirSync(target)], []);
    const given = Deno.readTextFileSync(args).trim().split("\n");
    deepStrictEqual(given.slice(0, 3), ["-m", "pip", "install"]);
    strictEqual(given[given.indexOf("--target") + 1], target);
    ok(given.includes("--no-deps"));
    deepStrictEqual(given.slice(-CUDA_PACKAGES.length), CUDA_PACKAGES);
    ok(CUDA_PACKAGES.every((name) => /^[a-z0-9-]+==[\d.]+$/.test(name)));
  },
});

Deno.test({
  name: "a failure of pip is told in its words, and so is its absence",
  ignore,
  fn: async () => {
    using folder = temporaryFolder();
    const code = "echo 'ERROR: No matching distribution' >&2; exit 1";
    const fake = python(folder.path, code);
    await rejects(pipInstall(folder.path, [], fake), {
      message: `${fake} -m pip says ERROR: No matching distribution`,
    });
    await rejects(pipInstall(folder.path, [], "/nowhere/python"), {
      message: /^it takes Python with pip: .*\/nowhere\/python/,
    });
  },
});
