import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { gradient } from "lib/grad.ts";
import {
  ADAPTER_VARIABLE,
  ADAPTER_WORDS,
  graphicsAdapter,
  limitsOf,
  requireFit,
  wantedAdapter,
} from "lib/onnx/adapters.ts";
import { Graph, type Value } from "lib/onnx/graph/graph.ts";
import { lower } from "lib/onnx/lower.ts";
import { type Device, fitsKernel, hasKernel } from "lib/onnx/providers.ts";
import { compile } from "lib/onnx/session.ts";
import { hostData, type Tensors } from "lib/onnx/tensors.ts";
import { mul } from "lib/ops/elementwise.ts";
import { gather } from "lib/ops/indexing.ts";
import { sum } from "lib/ops/shaping.ts";
import { checkout } from "../places.ts";
import { webgpuTest } from "../webgpu.ts";

Deno.test("the adapter is the fast one unless a word chooses another", () => {
  for (const none of [undefined, ""]) {
    strictEqual(wantedAdapter(none), "high-performance");
  }
  for (const word of ADAPTER_WORDS) strictEqual(wantedAdapter(word), word);
  throws(() => wantedAdapter("second"), {
    name: "RangeError",
    message: 'PREFGRAD_ADAPTER is "second", expected one of ' +
      "high-performance, low-power",
  });
});

webgpuTest("an adapter has a name, a vendor and limits", async () => {
  for (const word of ADAPTER_WORDS) {
    const { name, vendor, limits } = (await graphicsAdapter(word))!;
    ok(name && vendor);
    // What WebGPU has at the least.
    ok(limits.buffer >= 2 ** 28 && limits.binding >= 2 ** 27);
  }
});

webgpuTest("onnxruntime is told which adapter to take", async () => {
  const run = async (word: string) => {
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "eval",
        'import { resolveDevice } from "lib/onnx/devices.ts";' +
        'await resolveDevice("webgpu");',
      ],
      cwd: checkout(),
      env: { [ADAPTER_VARIABLE]: word },
    }).output();
    return { success, text: new TextDecoder().decode(stderr) };
  };
  const { success, text } = await run("low-power");
  ok(success, text);
  const refused = await run("second");
  ok(!refused.success);
  ok(refused.text.includes('PREFGRAD_ADAPTER is "second"'), refused.text);
});

/** The gradient of an embedding of 5 tokens that a few ids read. */
function embeddingSlope(): { slope: Value; feeds: Tensors } {
  const g = new Graph();
  const table = g.input("table", [5, 6]);
  const rows = gather(table, g.input("ids", ["n"], "int32"));
  const [slope] = gradient(sum(mul(rows, rows)), [table]);
  const data = Float32Array.from({ length: 30 }, (_, i) => Math.sin(i));
  const feeds = {
    table: { data, shape: [5, 6] },
    ids: { data: Int32Array.of(4, 1, 4, 0), shape: [4] },
  };
  return { slope: slope!, feeds };
}

/** The same with scattering in parts of so many bytes at most. */
function inParts(slope: Value, limit: number): Value {
  const { outputs } = lower(
    [slope],
    (op, float) => hasKernel(op, "webgpu", { float }),
    (op, type) => fitsKernel(op, type, { device: "webgpu", limit }),
  );
  return outputs[0]!;
}

async function valueOf(y: Value, feeds: Tensors, device: Device) {
  const program = await compile({ y }, { device, strict: true });
  const { y: found } = await program.run(feeds);
  await program.release();
  return [...hostData(found)];
}

Deno.test("what a kernel cannot scatter as a whole is scattered in parts of columns", async () => {
  const { slope, feeds } = embeddingSlope();
  const expected = await valueOf(slope, feeds, "cpu");
  const widths = (limit: number) =>
    inParts(slope, limit).graph.nodes
      .filter(({ op }) => op.name === "ScatterElements")
      .map(({ outputs }) => outputs[0]!.shape[1]);
  const columnBytes = 4 * 5;
  deepStrictEqual(widths(6 * columnBytes), [6]);
  deepStrictEqual(widths(3 * columnBytes), [3, 3]);
  deepStrictEqual(widths(2 * columnBytes), [2, 1, 2, 1]);
  // A column cannot be cut.
  deepStrictEqual(widths(1), [1, 1, 1, 1, 1, 1]);
  for (const limit of [3 * columnBytes, 1]) {
    const found = await valueOf(inParts(slope, limit), feeds, "cpu");
    deepStrictEqual(found, expected);
  }
});

webgpuTest(
  "WebGPU scatters in parts of columns as it does as a whole",
  async () => {
    const { slope, feeds } = embeddingSlope();
    const whole = await valueOf(slope, feeds, "webgpu");
    const parts = await valueOf(inParts(slope, 40), feeds, "webgpu");
    deepStrictEqual(parts, whole);
  },
);

Deno.test("a tensor that no buffer of the adapter holds is refused", async () => {
  const { slope } = embeddingSlope();
  requireFit(slope.graph, { buffer: 4 * 30 });
  throws(() => requireFit(slope.graph, { buffer: 4 * 30 - 1 }), {
    name: "RangeError",
    message: "Cannot compute on webgpu: a tensor of shape [5,6] has 120 " +
      "bytes, and a buffer of the adapter holds 119",
  });
  deepStrictEqual(await limitsOf("cpu"), {
    buffer: Infinity,
    binding: Infinity,
  });
});
