import { apply, type Op, type Type, type Value } from "../onnx/graph.ts";
import { concat } from "./shaping.ts";

/** A matrix in few bits. */
export interface Quantized {
  /** Bytes, `[rows, columns]` for 8 bits, `[rows, columns / 2]` for 4. */
  readonly codes: Value;
  /** Of each block of a row, float32 `[rows, blocks]`. */
  readonly scales: Value;
}

/** w = scale · code, by blocks of each row. */
const Dequantize8: Op = {
  name: "DequantizeLinear",
  perReader: true,
  infer: dequantized,
};
export const dequantize8 = ({ codes, scales }: Quantized): Value =>
  apply(Dequantize8, [codes, scales], blocksOf(codes.shape[1], scales));

/**
 * w = scale · (code − 8), by blocks of each row. A byte holds the code of a
 * column of the left half in its low bits, of the right half in its high bits.
 */
const Dequantize4: Op = {
  name: "Dequantize4",
  domain: "prefgrad",
  perReader: true,
  infer: ([codes, scales]) => [{
    dtype: scales!.dtype,
    shape: [codes!.shape[0]!, 2 * Number(codes!.shape[1])],
  }],
  lower: ([codes, scales, eights], attributes) => {
    const { graph } = codes!;
    const byte = (x: number) => graph.constant(Uint8Array.of(x), []);
    const low = apply(BitwiseAnd, [codes!, byte(15)]);
    const right = { direction: "RIGHT" };
    const high = apply(BitShift, [codes!, byte(4)], right);
    const all = concat([low, high], 1);
    return [apply(Dequantize8, [all, scales!, eights!], attributes)];
  },
};
export const dequantize4 = (
  { codes, scales, eights }: Quantized & {
    /** The code of zero, for each scale. */
    eights: Value;
  },
): Value =>
  apply(
    Dequantize4,
    [codes, scales, eights],
    blocksOf(2 * Number(codes.shape[1]), scales),
  );

const BitwiseAnd: Op = { name: "BitwiseAnd", infer: sameType };
const BitShift: Op = { name: "BitShift", infer: sameType };

function blocksOf(columns: unknown, { shape: [, blocks] }: Value) {
  return { axis: 1, "block_size": Number(columns) / Number(blocks) };
}

function dequantized([codes, scales]: readonly Value[]): Type[] {
  return [{ dtype: scales!.dtype, shape: codes!.shape }];
}

function sameType([x]: readonly Value[]): Type[] {
  return [{ dtype: x!.dtype, shape: x!.shape }];
}
