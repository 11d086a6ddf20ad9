import { Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 } from "./small_blocks.ts";
import { Q2_K, Q3_K, Q4_K, Q5_K, Q6_K } from "./super_blocks.ts";
import { plainType, type TensorType } from "./tensor_type.ts";

/** Types by their number in `ggml.h`. */
const TYPES: ReadonlyMap<number, TensorType> = new Map([
  [0, plainType("F32", 4)],
  [1, plainType("F16", 2)],
  [2, Q4_0],
  [3, Q4_1],
  [6, Q5_0],
  [7, Q5_1],
  [8, Q8_0],
  [10, Q2_K],
  [11, Q3_K],
  [12, Q4_K],
  [13, Q5_K],
  [14, Q6_K],
  [30, plainType("BF16", 2)],
]);

/** The others, to call them by their names. */
const UNSUPPORTED: ReadonlyMap<number, string> = new Map([
  [9, "Q8_1"],
  [15, "Q8_K"],
  [16, "IQ2_XXS"],
  [17, "IQ2_XS"],
  [18, "IQ3_XXS"],
  [19, "IQ1_S"],
  [20, "IQ4_NL"],
  [21, "IQ3_S"],
  [22, "IQ2_S"],
  [23, "IQ4_XS"],
  [24, "I8"],
  [25, "I16"],
  [26, "I32"],
  [27, "I64"],
  [28, "F64"],
  [29, "IQ1_M"],
  [34, "TQ1_0"],
  [35, "TQ2_0"],
  [39, "MXFP4"],
  [40, "NVFP4"],
  [41, "Q1_0"],
]);

/**
 * The type of a number.
 *
 * @throws RangeError that names a type that is not read.
 */
export function tensorType(number: number): TensorType {
  const type = TYPES.get(number);
  if (type) return type;
  const name = UNSUPPORTED.get(number) ?? `number ${number}`;
  const names = [...TYPES.values()].map(({ name }) => name).join(", ");
  throw new RangeError(`its type is ${name}, expected one of ${names}`);
}
