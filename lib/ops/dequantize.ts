import {
  apply,
  dimAt,
  type Op,
  sameType,
  sizeAt,
  type Value,
} from "../onnx/graph.ts";
import { concat } from "./shaping.ts";

/** A matrix in few bits. */
export interface Quantized {
  /** Bytes, `[rows, columns]` for 8 bits, `[rows, columns / 2]` for 4. */
  readonly codes: Value;
  /** Factor of each block of a row, float32 `[rows, blocks]`. */
  readonly scales: Value;
}

/** Along which axis blocks lie, and how many columns each has. */
type Blocks = { axis: 1; "block_size": number };

const blocksOf = (columns: number, scales: Value): Blocks => ({
  axis: 1,
  "block_size": columns / sizeAt(scales, 1),
});

const Dequantize8: Op<
  readonly [codes: Value, scales: Value, ...zeros: Value[]],
  Blocks
> = {
  name: "DequantizeLinear",
  rematerialize: true,
  infer: ([{ shape }, { dtype }]) => [{ dtype, shape }],
};
/** scale · code, by blocks of each row. */
export const dequantize8 = ({ codes, scales }: Quantized): Value =>
  apply(Dequantize8, [codes, scales], blocksOf(sizeAt(codes, 1), scales));

const Dequantize4: Op<
  readonly [codes: Value, scales: Value, eights: Value],
  Blocks
> = {
  name: "Dequantize4",
  domain: "prefgrad",
  rematerialize: true,
  infer: ([codes, { dtype }]) => [{
    dtype,
    shape: [dimAt(codes, 0), 2 * sizeAt(codes, 1)],
  }],
  lower: ([codes, scales, eights], attributes) => {
    const byte = (x: number) => codes.graph.constant(Uint8Array.of(x), []);
    const low = apply(BitwiseAnd, [codes, byte(15)]);
    const right = { direction: "RIGHT" };
    const high = apply(BitShift, [codes, byte(4)], right);
    const all = concat([low, high], 1);
    return [apply(Dequantize8, [all, scales, eights], attributes)];
  },
};
/**
 * scale · (code − 8), by blocks of each row. A byte holds the code of a column
 * of the left half in its low bits, of the right half in its high bits.
 *
 * @param quantized `eights` are the codes of zero, one for each scale.
 */
export const dequantize4 = (
  { codes, scales, eights }: Quantized & { eights: Value },
): Value =>
  apply(
    Dequantize4,
    [codes, scales, eights],
    blocksOf(2 * sizeAt(codes, 1), scales),
  );

const BitwiseAnd: Op<readonly [x: Value, y: Value]> = {
  name: "BitwiseAnd",
  infer: sameType,
};
const BitShift: Op<
  readonly [x: Value, places: Value],
  { direction: string }
> = { name: "BitShift", infer: sameType };
