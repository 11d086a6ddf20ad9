import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { basename, isAbsolute, join } from "node:path";
import {
  driverFault,
  findCuda,
  libraryFault,
  missingIn,
  startDriver,
} from "lib/onnx/ffi/cuda.ts";
import { engine } from "lib/onnx/engine.ts";
import { temporaryFolder } from "../../temporary_folder.ts";
import { setUpFolder } from "../set_up_folder.ts";

const SHARED = "libonnxruntime_providers_shared.so";
const CUDA = "libonnxruntime_providers_cuda.so";

const namesIn = (folder: string) =>
  [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

/** An empty folder for onnxruntime's library, and one that is set up. */
function folders() {
  const [from, to] = [setUpFolder(), temporaryFolder()];
  return {
    ...{ from: from.path, to: to.path },
    [Symbol.dispose]: () => [from, to].forEach((it) => it[Symbol.dispose]()),
  };
}

Deno.test("CUDA's libraries are linked beside onnxruntime's and opened in order", () => {
  using places = folders();
  const opened: string[] = [];
  findCuda({ ...places, open: (path) => opened.push(path) });
  deepStrictEqual(namesIn(places.to), [CUDA, SHARED]);
  ok(opened.every((path) => isAbsolute(path) && Deno.statSync(path).isFile));
  const order = opened.map((path) => basename(path));
  strictEqual(order[0], "libcudart.so.13");
  ok(order.indexOf("libcublasLt.so.13") < order.indexOf("libcublas.so.13"));
  ok(order.indexOf("libcublas.so.13") < order.indexOf("libcudnn.so.9"));
});

Deno.test("a link that leads nowhere is made anew, and a file is left alone", () => {
  using places = folders();
  const [shared, cuda] = [join(places.to, SHARED), join(places.to, CUDA)];
  Deno.writeTextFileSync(shared, "somebody's own");
  Deno.symlinkSync("/nowhere", cuda);
  for (let i = 0; i < 2; i++) findCuda({ ...places, open: () => {} });
  strictEqual(Deno.readTextFileSync(shared), "somebody's own");
  strictEqual(Deno.readTextFileSync(cuda), CUDA);
  deepStrictEqual(namesIn(places.to), [CUDA, SHARED]);
});

Deno.test("a folder that lacks a library is not set up, and is not used", () => {
  using places = folders();
  deepStrictEqual(missingIn(places.from), []);
  const lacking = "nvidia/cudnn/lib/libcudnn.so.9";
  Deno.removeSync(join(places.from, lacking));
  deepStrictEqual(missingIn(places.from), [lacking]);
  findCuda({
    ...places,
    open: (path) => {
      throw new Error(`opened ${path}`);
    },
  });
  deepStrictEqual(namesIn(places.to), []);
});

Deno.test({
  name: "a library that cannot be opened is named",
  ignore: Deno.build.os !== "linux",
  fn: () => {
    using places = folders();
    throws(() => findCuda(places), /libcudart\.so\.13/);
  },
});

Deno.test("CUDA without its libraries names them, their place and their source", () => {
  using places = folders();
  strictEqual(libraryFault(places), null);
  const from = "/nowhere";
  strictEqual(
    libraryFault({ ...places, from }),
    `${places.to} lacks ${SHARED} and ${CUDA} of onnxruntime ` +
      `${engine().version}, which \`deno task setup cuda\` gets`,
  );
  for (const name of [SHARED, CUDA]) {
    Deno.writeTextFileSync(join(places.to, name), "");
  }
  strictEqual(libraryFault({ ...places, from }), null);
});

Deno.test("a driver for an older CUDA does not do, nor one without a GPU, nor none", () => {
  strictEqual(
    driverFault(null),
    "this machine has no NVIDIA driver (no libcuda.so.1 is found)",
  );
  strictEqual(
    driverFault({ version: 12_040, status: 0 }),
    "the NVIDIA driver is for CUDA 12.4, expected 13.0 or newer",
  );
  strictEqual(
    driverFault({ version: 13_000, status: 100 }),
    "the NVIDIA driver starts no GPU (cuInit ends with 100)",
  );
  strictEqual(driverFault({ version: 13_000, status: 0 }), null);
  strictEqual(driverFault({ version: 13_020, status: 0 }), null);
});

Deno.test("a driver's library that is missing, or is another's, is no driver", () => {
  strictEqual(startDriver("libnowhere.so.1"), null);
  strictEqual(startDriver("libc.so.6"), null);
});
