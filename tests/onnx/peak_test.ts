import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { gradient } from "lib/grad.ts";
import { Arena } from "lib/onnx/arena.ts";
import { Graph, type Value } from "lib/onnx/graph/graph.ts";
import { GraphMemory, runOrder } from "lib/onnx/peak.ts";
import type { Precision } from "lib/onnx/providers.ts";
import { tokenLogProbs } from "lib/ops/head.ts";
import { gemm } from "lib/ops/linalg.ts";
import { dequantizeRows } from "lib/ops/two_terms.ts";
import { sum } from "lib/ops/shaping.ts";
import { add, exp, mul, neg } from "lib/ops/elementwise.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const MIB = 2 ** 20;

/** The bytes of a run on N rows. */
function bytesOf(y: Value, rows: number) {
  const shape = [rows, 256];
  const data = new Float32Array(0);
  return new GraphMemory({ y }, []).peak({ x: { data, shape } });
}

const rowsOf = (g: Graph) => g.input("x", ["N", 256]);

Deno.test("results are freed after their last reader", () => {
  let y = rowsOf(new Graph());
  for (let i = 0; i < 10; i++) y = exp(y);
  // A MiB each: one is read while one is written.
  strictEqual(bytesOf(y, 1024), 2 * MIB);
});

Deno.test("results that are read later stay", () => {
  const results = [exp(rowsOf(new Graph()))];
  for (let i = 0; i < 9; i++) results.push(exp(results.at(-1)!));
  const y = results.toReversed().reduce((a, b) => add(a, b));
  const bytes = bytesOf(y, 1024);
  ok(bytes >= 11 * MIB && bytes <= 16 * MIB, `${bytes / MIB}`);
});

Deno.test("a dimension without an input cannot be sized", () => {
  const y = exp(rowsOf(new Graph()));
  throws(() => new GraphMemory({ y }, []).peak({}), {
    message: "Cannot size the dimension N: no input that is fed has it",
  });
});

Deno.test("an output that the caller has memory for takes none", () => {
  const y = exp(exp(rowsOf(new Graph())));
  const data = new Float32Array(0);
  const feeds = { x: { data, shape: [1024, 256] } };
  strictEqual(new GraphMemory({ y }, []).peak(feeds), 2 * MIB);
  strictEqual(new GraphMemory({ y }, ["y"]).peak(feeds), MIB);
});

Deno.test("a frozen head's memory does not grow with vocabulary × tokens", () => {
  const memoryOf = (vocabulary: number) => {
    const g = new Graph();
    const h = g.input("h", ["S", 64]);
    const head = g.input("head", [vocabulary, 64]);
    const y = g.input("y", ["S", 1], "int32");
    const options = { trained: false, chunks: vocabulary / 1000 };
    const { logProb } = tokenLogProbs([h, head, y], options);
    const [dh] = gradient(sum(logProb), [h]);
    const data = new Float32Array(0);
    return new GraphMemory({ logProb, dh: dh! }, [])
      .peak({ h: { data, shape: [4000, 64] } });
  };
  const [small, large] = [4000, 40_000].map(memoryOf);
  ok(large! < 1.2 * small!, `${small}, ${large}`);
});

Deno.test("runOrder() takes the last leaf first, and of inputs the last one", () => {
  const x = rowsOf(new Graph());
  const [a, b] = [exp(x), exp(x)];
  const product = mul(a, b);
  const c = exp(b);
  const leaf = neg(c);
  deepStrictEqual(
    runOrder(x.graph).map(({ outputs: [output] }) => output!.name),
    [b, c, leaf, a, product].map(({ name }) => name),
  );
});

Deno.test("an arena's regions double, and pieces that are free are used again", () => {
  const arena = new Arena();
  const first = arena.allocate(600_000);
  arena.allocate(300_000);
  arena.release(first);
  arena.allocate(500_000);
  // In the place of the first, for which no other was cut.
  strictEqual(arena.touched, 900_000);
  arena.allocate(MIB);
  // Sizes are rounded up to 256 bytes.
  strictEqual(arena.touched, 900_032 + MIB);
});

Deno.test("a graph's memory on a card is what a count by hand gives", () => {
  using folder = temporaryFolder();
  const memory = (precision: Precision) => {
    const g = new Graph();
    const data = { file: `${folder.path}/w`, offset: 0, length: 256 * 512 * 4 };
    const w = g.external({ dtype: "float32", shape: [256, 512] }, data);
    const y = exp(gemm(rowsOf(g), w));
    return new GraphMemory({ y }, [], { device: "cuda", precision });
  };
  const x = { data: new Float32Array(0), shape: [1024, 256] };
  const wide = memory("float32");
  strictEqual(wide.constants, 256 * 512 * 4);
  // The product, and its exponential.
  strictEqual(wide.peak({ x }), 2 * 1024 * 512 * 4);
  strictEqual(wide.largest({ x }), 1024 * 512 * 4);
  const narrow = memory("bfloat16");
  // The rounded weights alone, which the session rounds once.
  strictEqual(narrow.constants, 256 * 512 * 2);
  strictEqual(narrow.folded, 256 * 512 * 2);
  // The rows in 16 bits, the product in 16 and in 32, and its exponential, which
  // is too large for the place of the first two.
  strictEqual(narrow.peak({ x }), 1024 * (256 * 2 + 512 * (2 + 4 + 4)));
});

Deno.test("each product of whole numbers has a copy of its weights", () => {
  const g = new Graph();
  const codes = g.external({ dtype: "int8", shape: [512, 256] }, {
    held: new Int8Array(512 * 256),
  });
  const scales = g.external({ dtype: "float32", shape: [512] }, {
    held: new Float32Array(512),
  });
  const x = rowsOf(g);
  const y = gemm(x, dequantizeRows(codes, scales), { transB: true });
  const there = new GraphMemory({ y }, []);
  // The codes transposed, which are rearranged for either term.
  strictEqual(there.folded, 3 * 512 * 256);
  const [slope] = gradient(sum(y), [x]);
  // The codes as they are held serve the way back; a number is the cotangent.
  const both = new GraphMemory({ y, slope: slope! }, []);
  strictEqual(both.folded, 5 * 512 * 256 + 4);
});
