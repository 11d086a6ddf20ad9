import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { checkout } from "../places.ts";
import { denoFolder } from "../scripts/tiny_training.ts";
import { temporaryFolder } from "../temporary_folder.ts";

/** Where onnxruntime would keep an id of the machine and what it has to tell. */
const CODE = `
  import { Graph } from "lib/onnx/graph/graph.ts";
  import { compile } from "lib/onnx/session.ts";
  import { mul } from "lib/ops/elementwise.ts";
  const program = await compile({ y: mul(new Graph().input("x", [1]), 2) });
  const x = { data: Float32Array.of(3), shape: [1] };
  console.log((await program.run({ x })).y.data[0]);
  await program.release();
`;

Deno.test("a run program leaves onnxruntime nothing to tell its makers", async () => {
  using home = temporaryFolder();
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", CODE],
    cwd: checkout(),
    env: {
      ...{ HOME: home.path, XDG_CACHE_HOME: home.path },
      DENO_DIR: await denoFolder(),
      ORT_DISABLE_TELEMETRY: "0",
    },
  }).output();
  strictEqual(new TextDecoder().decode(stdout), "6\n");
  deepStrictEqual(Array.from(Deno.readDirSync(home.path)), []);
});
