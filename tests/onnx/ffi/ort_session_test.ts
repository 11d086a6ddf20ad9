import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
  throws,
} from "node:assert/strict";
import { engine } from "lib/onnx/engine.ts";
import { libraryFault } from "lib/onnx/ffi/cuda.ts";
import { OrtSession } from "lib/onnx/ffi/ort_session.ts";
import type { SessionSettings } from "lib/onnx/ffi/session_options.ts";
import { Graph } from "lib/onnx/graph/graph.ts";
import { compile } from "lib/onnx/session.ts";
import type { HostTensor } from "lib/onnx/tensors.ts";
import { mul } from "lib/ops/elementwise.ts";
import { gather } from "lib/ops/indexing.ts";
import { gemm } from "lib/ops/linalg.ts";
import { sum } from "lib/ops/shaping.ts";
import { checkout } from "../../places.ts";

const SETTINGS: SessionSettings = {
  ...{ device: "cpu", threads: 1, optimization: "all", profile: null },
  config: {},
};

const filled = (length: number, x: number): HostTensor => ({
  data: new Float32Array(length).fill(x),
  shape: [length],
});

/** A program of rows of x by index. */
function rows() {
  const graph = new Graph();
  const index = graph.input("index", ["K"], "int32");
  return compile({ y: gather(graph.input("x", ["N"]), index) });
}

/** A program whose run takes tens of milliseconds, many times what is long. */
function long() {
  const x = new Graph().input("x", ["N", "N"]);
  return compile({ y: sum(gemm(gemm(x, x), x)) });
}
const SIDE = 1024;
const LARGE = {
  data: new Float32Array(SIDE ** 2).fill(1 / SIDE),
  shape: [SIDE, SIDE],
};

Deno.test("what the engine refuses to compile is an Error with its words", () => {
  throws(() => OrtSession.create(Uint8Array.of(1, 2, 3), SETTINGS), {
    name: "Error",
    message: /protobuf/i,
  });
  throws(() => OrtSession.create("/nowhere/model.onnx", SETTINGS), {
    message: /\/nowhere\/model\.onnx/,
  });
});

Deno.test({
  name: "CUDA without its libraries is an Error that names one",
  ignore: !engine().devices.has("cuda") || !libraryFault(),
  fn: () => {
    const settings: SessionSettings = { ...SETTINGS, device: "cuda" };
    throws(() => OrtSession.create(Uint8Array.of(), settings), {
      name: "Error",
      message: /libonnxruntime_providers_shared/,
    });
  },
});

Deno.test("what the engine refuses to run is an Error, and the next run works", async () => {
  const program = await rows();
  const take = async (...list: number[]) => {
    const index = { data: Int32Array.from(list), shape: [list.length] };
    const x = { data: Float32Array.of(1.5, 2.5), shape: [2] };
    return (await program.run({ x, index }))["y"];
  };
  for (let i = 0; i < 3; i++) {
    await rejects(take(2), { name: "Error", message: /out of data bounds/ });
    deepStrictEqual(await take(1, 0), {
      data: Float32Array.of(2.5, 1.5),
      shape: [2],
    });
  }
  await program.release();
});

Deno.test("an output of other sizes than the tensor it is to go to is an Error", async () => {
  const y = mul(new Graph().input("x", ["N"]), 2);
  const program = await compile({ y });
  for (const length of [4, 4000]) {
    const x = filled(length, 1);
    const given = filled(length + 1, 0);
    await rejects(program.run({ x }, { y: given }), {
      message: new RegExp(`\\{${length + 1}\\}.*\\{${length}\\}`),
    });
    strictEqual(given.data[0], 0);
  }
  await program.release();
});

Deno.test("sessions and errors leave no memory behind", async () => {
  const x = filled(1_000_000, 1);
  const once = async () => {
    const y = sum(mul(new Graph().input("x", ["N"]), 2));
    const program = await compile({ y });
    await program.run({ x });
    await rejects(program.run({ x }, { y: filled(3, 0) }));
    await program.release();
  };
  const many = async (count: number) => {
    for (let i = 0; i < count; i++) await once();
    return Deno.memoryUsage().rss;
  };
  const before = await many(20);
  const grown = await many(100) - before;
  // A session keeps the 4 MB of the product: as many would be 400 MB. Threads
  // of other tests keep memory, too.
  ok(grown < 200e6, `${grown} bytes more`);
});

Deno.test("a long run leaves the event loop alive", async () => {
  const program = await long();
  let ticks = 0;
  const timer = setInterval(() => ticks++, 0);
  for (let i = 0; i < 5; i++) await program.run({ x: LARGE });
  clearInterval(timer);
  await program.release();
  ok(ticks > 0);
});

Deno.test("a program's runs take turns, and its release comes after them", async () => {
  const program = await long();
  const scaled = (by: number) => ({
    ...LARGE,
    data: LARGE.data.map((x) => x * by),
  });
  const runs = [1, 2, 0.5].map((by) => program.run({ x: scaled(by) }));
  const released = program.release();
  const results = await Promise.all(runs);
  await released;
  const [one, ...others] = results.map(({ y }) => (y as HostTensor).data[0]!);
  ok(Math.abs(one! - SIDE) < 0.01);
  deepStrictEqual(others, [8 * one!, one! / 8]);
});

/** Prints what comes of an error while the engine computes. */
const UNCAUGHT = `
  import { Graph } from "lib/onnx/graph/graph.ts";
  import { compile } from "lib/onnx/session.ts";
  import { gemm } from "lib/ops/linalg.ts";
  const x = new Graph().input("x", ["N", "N"]);
  const program = await compile({ y: gemm(gemm(x, x), x) });
  setTimeout(() => { throw new Error("in between"); }, 0);
  await program.run({ x: { data: new Float32Array(1e6), shape: [1e3, 1e3] } });
  await new Promise((done) => setTimeout(done, 1000));
`;

Deno.test("an uncaught error while the engine computes ends the process after it", async () => {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", UNCAUGHT],
    cwd: checkout(),
  }).output();
  strictEqual(code, 1);
  match(new TextDecoder().decode(stderr), /in between/);
});
