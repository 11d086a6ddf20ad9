import { deepStrictEqual } from "node:assert/strict";
import { ProtoWriter } from "lib/onnx/proto_writer.ts";

function written(write: (out: ProtoWriter) => void): number[] {
  const out = new ProtoWriter();
  write(out);
  return [...out.written];
}

Deno.test("whole numbers are written in digits of base 128, the least first", () => {
  const bytesOf = (value: number) => written((out) => out.integer(1, value));
  deepStrictEqual(bytesOf(0), [8, 0]);
  deepStrictEqual(bytesOf(127), [8, 127]);
  deepStrictEqual(bytesOf(150), [8, 0x96, 1]);
  deepStrictEqual(bytesOf(2 ** 40), [8, 128, 128, 128, 128, 128, 32]);
  deepStrictEqual(bytesOf(-1), [8, ...Array(9).fill(255), 1]);
});

Deno.test("floats, texts and fields of high numbers are written", () => {
  deepStrictEqual(written((out) => out.float(2, 1)), [21, 0, 0, 128, 63]);
  deepStrictEqual(written((out) => out.text(20, "é")), [162, 1, 2, 195, 169]);
});

Deno.test("a message has its size before it, of as many bytes as it takes", () => {
  // Beyond the first array, too.
  for (const length of [0, 3, 200, 5000]) {
    const inner = Uint8Array.from({ length }, (_, i) => i);
    const body = written((out) => out.bytes(1, inner));
    deepStrictEqual(
      written((out) => out.message(3, () => out.bytes(1, inner))),
      written((out) => out.bytes(3, Uint8Array.from(body))),
    );
  }
});
