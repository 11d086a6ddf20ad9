import { apply } from "../onnx/graph/apply.ts";
import type { Op, Value } from "../onnx/graph/graph.ts";
import { sizeAt, type Type } from "../onnx/graph/tensor_type.ts";
import { add } from "./elementwise.ts";
import { reshape, split } from "./shaping.ts";

/**
 * A matrix in few bits: blocks of columns of a row share a scale, and what a
 * row has beyond its columns to fill the last one is zero.
 */
export interface Quantized {
  readonly bits: 4 | 8;
  readonly columns: number;
  /**
   * uint8 `[rows, blocks, bytes of a block]`; of two codes in 4 bits the first
   * one is the low half of a byte.
   */
  readonly codes: Value;
  /** The same as uint8 or uint4 `[rows · blocks, columns of a block]`. */
  readonly flat: Value;
  /** Factor of each block, float32 `[rows · blocks]`. */
  readonly scales: Value;
  /** The code of zero for each block, in the type of `flat`. */
  readonly zeros: Value;
}

/** Kernels read either the bytes of blocks or all codes, so it has both. */
type Parts = readonly [codes: Value, flat: Value, scales: Value, zeros: Value];

type Format = { bits: 4 | 8; columns: number };

/** No gradient flows: a matrix in few bits is frozen. */
const Dequantize: Op<Parts, Format> = {
  name: "Dequantize",
  domain: "prefgrad",
  rematerialize: true,
  infer: ([codes, , { dtype }], { columns }) => [{
    dtype,
    shape: [sizeAt(codes, 0), columns],
  }],
  lower: ([codes, flat, scales, zeros], { bits, columns }) => {
    const filled = codes.graph.accepts(GatherBlockQuantized, { bits })
      ? gathered(codes, scales, bits)
      : apply(DequantizeLinear, [flat, scales, zeros], { axis: 0 });
    const width = sizeAt(codes, 1) * sizeAt(flat, 1);
    const all = reshape(filled, [sizeAt(codes, 0), width]);
    return [
      width === columns ? all : split(all, [columns, width - columns], 1)[0]!,
    ];
  },
  absorb: ([codes, flat, scales], { bits, columns }, reader) => {
    const { op, attributes: { transA, transB, alpha }, inputs } = reader;
    const isFilled = sizeAt(codes, 1) * sizeAt(flat, 1) === columns;
    const isProduct = op.name === "Gemm" && !transA && transB && alpha === 1;
    if (!isProduct || !isFilled) return null;
    if (!codes.graph.accepts(MatMulNBits, { bits })) return null;
    const [x, , c] = inputs;
    const product = apply(MatMulNBits, [x!, codes, scales], {
      ...{ K: columns, N: sizeAt(codes, 0), bits },
      "block_size": sizeAt(flat, 1),
    });
    return [c ? add(product, c) : product];
  },
};
/** scale · (code − zero), `[rows, columns]`. */
export const dequantize = (
  { codes, flat, scales, zeros, bits, columns }: Quantized,
): Value => apply(Dequantize, [codes, flat, scales, zeros], { bits, columns });

const DequantizeLinear: Op<
  readonly [flat: Value, scales: Value, zeros: Value],
  { axis: number }
> = {
  name: "DequantizeLinear",
  rematerialize: true,
  infer: ([{ shape }, { dtype }]) => [{ dtype, shape }],
};

const GatherBlockQuantized: Op<
  readonly [codes: Value, rows: Value, scales: Value],
  & { bits: number }
  & Record<
    "gather_axis" | "quantize_axis" | "block_size",
    number
  >
> = {
  name: "GatherBlockQuantized",
  rematerialize: true,
  domain: "com.microsoft",
  infer: ([codes, rows, { dtype }], { block_size }) => [{
    dtype,
    shape: [sizeAt(rows, 0), sizeAt(codes, 1), block_size],
  }],
};

/** All rows; the code of zero is 8 or 128. */
function gathered(codes: Value, scales: Value, bits: number): Value {
  const [rows, blocks] = [sizeAt(codes, 0), sizeAt(codes, 1)];
  const numbers = Int32Array.from({ length: rows }, (_, i) => i);
  return apply(
    GatherBlockQuantized,
    [
      codes,
      codes.graph.constant(numbers, [rows]),
      reshape(scales, [rows, blocks, 1]),
    ],
    {
      ...{ bits, "gather_axis": 0, "quantize_axis": 2 },
      "block_size": sizeAt(codes, 2) * 8 / bits,
    },
  );
}

/** x · Wᵀ; the code of zero is 8 or 128. */
const MatMulNBits: Op<
  readonly [x: Value, codes: Value, scales: Value],
  { K: number; N: number; bits: number; "block_size": number }
> = {
  name: "MatMulNBits",
  domain: "com.microsoft",
  infer: ([{ dtype, shape }], { N }): readonly [Type] => [{
    dtype,
    shape: [...shape.slice(0, -1), N],
  }],
};
