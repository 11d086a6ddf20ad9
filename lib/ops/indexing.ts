import { apply } from "../onnx/graph/apply.ts";
import type { Op, Value } from "../onnx/graph/graph.ts";
import { dimAt, sameType, sizeAt } from "../onnx/graph/tensor_type.ts";
import { mul, zerosLike } from "./elementwise.ts";
import { concat, reshape, split, unsqueeze } from "./shaping.ts";

const Gather: Op<readonly [x: Value, index: Value]> = {
  name: "Gather",
  infer: ([x, index]) => [{
    dtype: x.dtype,
    shape: [...index.shape, ...x.shape.slice(1)],
  }],
  vjp: ({ inputs: [x, index] }, [dy]) => [
    scatterAdd(zerosLike(x), index, dy),
    null,
  ],
  vjpInto: ({ inputs: [, index] }, [dy], sum, i) =>
    i === 0 ? scatterAdd(sum, index, dy) : null,
};
/** Rows of x (`[n, …]`) by index (int32, `[…]`): y[i…] = x[index[i…]]. */
export const gather = (x: Value, index: Value): Value =>
  apply(Gather, [x, index]);

/**
 * x with updates added at indices along `axis`.
 *
 * Never `ScatterND`: its CPU kernel races on duplicate indices.
 */
const ScatterElements: Op<
  readonly [x: Value, index: Value, updates: Value],
  { axis: number; reduction: "add" }
> = {
  name: "ScatterElements",
  infer: sameType,
  vjp: ({ inputs: [, index], attributes: { axis } }, [dy]) => [
    dy,
    null,
    apply(GatherElements, [dy, index], { axis }),
  ],
};

/** y[i][j] = x[i][index[i][j]] for `axis` 1. */
const GatherElements: Op<
  readonly [x: Value, index: Value],
  { axis: number }
> = {
  name: "GatherElements",
  infer: ([{ dtype }, { shape }]) => [{ dtype, shape }],
  vjp: ({ inputs: [x, index], attributes: { axis } }, [dy]) => [
    scatterElements([zerosLike(x), index, dy], axis),
    null,
  ],
};

/** One element of each row: y[i] = x[i, column[i]], `[n, 1]` from `[n, m]`. */
export const pick = (x: Value, column: Value): Value =>
  apply(GatherElements, [x, column], { axis: 1 });

/** x (`[n, m]`) with updates (`[n, 1]`) added at one column of each row. */
export const addAt = (x: Value, column: Value, updates: Value): Value =>
  scatterElements([x, column, updates], 1);

/** Sums of x (`[n]`) by segment (int32 `[n]`), added to `zeros` (`[segments]`). */
export const segmentSum = (x: Value, segment: Value, zeros: Value): Value =>
  scatterElements([zeros, segment, x], 0);

function scatterElements(
  operands: readonly [x: Value, index: Value, updates: Value],
  axis: number,
): Value {
  return apply(ScatterElements, operands, { axis, reduction: "add" });
}

/** x with the rows of `updates` added at `index`. */
function scatterAdd(x: Value, index: Value, updates: Value): Value {
  return x.shape.length === 1
    ? scatterElements([x, flat(index), flat(updates)], 0)
    : apply(ScatterRows, [x, index, updates]);
}

const ScatterRows: Op<readonly [x: Value, index: Value, updates: Value]> = {
  name: "ScatterRows",
  domain: "prefgrad",
  infer: sameType,
  vjp: ({ inputs: [, index] }, [dy]) => [dy, null, gather(dy, index)],
  lower: ([x, index, updates]) => {
    const columns = sizeAt(x, 1);
    const column = unsqueeze(index, [1]);
    const sizes = x.graph.integers([1, columns]);
    const wide = apply(Expand, [column, sizes], { columns });
    return [scatterElements([x, wide, updates], 0)];
  },
  halve: ([x, index, updates]) => {
    const columns = sizeAt(x, 1);
    if (columns === 1) return null;
    const sizes = [Math.ceil(columns / 2), Math.floor(columns / 2)];
    const [xs, parts] = [split(x, sizes, 1), split(updates, sizes, 1)];
    const halves = xs.map((x, i) => apply(ScatterRows, [x, index, parts[i]!]));
    return [concat(halves, 1)];
  },
};

/** All elements in one dimension. */
const flat = (x: Value): Value => reshape(x, [x.shape.join("·")]);

/** A column (`[n, 1]`) repeated to a matrix. */
const Expand: Op<readonly [x: Value, sizes: Value], { columns: number }> = {
  name: "Expand",
  written: { columns: "input" },
  infer: ([x], { columns }) => [{
    dtype: x.dtype,
    shape: [dimAt(x, 0), columns],
  }],
};

/** Places of the tokens of a stream that is laid out in rows. */
export interface RowLayout {
  /** Stream index of each slot, int32 `[rows, length]`; 0 where there is none. */
  tokenOfSlot: Value;
  /** Slot of each token, counted over the rows, int32 `[tokens]`. */
  slotOfToken: Value;
  /** 1 where a slot holds a token, else 0, `[rows, length]`. */
  slotMask: Value;
}
type LaidOut = Op<
  readonly [x: Value, tokenOfSlot: Value, slotOfToken: Value, slotMask: Value]
>;

const ToRows: LaidOut = {
  name: "ToRows",
  domain: "prefgrad",
  infer: ([x, tokenOfSlot]) => [{
    dtype: x.dtype,
    shape: [...tokenOfSlot.shape, ...x.shape.slice(1)],
  }],
  vjp: ({ inputs: [, ...layout] }, [dy]) => [
    apply(ToStream, [dy, ...layout]),
    null,
    null,
    null,
  ],
  lower: ([x, tokenOfSlot]) => [gather(x, tokenOfSlot)],
};
/**
 * The flat token stream x laid out in rows: y[r, t] = x[tokenOfSlot[r, t]], where
 * a slot without a token repeats the first one. Its vjp is the inverse gather,
 * which never reads such slots.
 */
export const toRows = (
  x: Value,
  { tokenOfSlot, slotOfToken, slotMask }: RowLayout,
): Value => apply(ToRows, [x, tokenOfSlot, slotOfToken, slotMask]);

const ToStream: LaidOut = {
  name: "ToStream",
  domain: "prefgrad",
  infer: ([x, , slotOfToken]) => [{
    dtype: x.dtype,
    shape: [...slotOfToken.shape, ...x.shape.slice(2)],
  }],
  vjp: ({ inputs: [, ...layout] }, [dy]) => {
    const rows = apply(ToRows, [dy, ...layout]);
    const [, , slotMask] = layout;
    const axes = rows.shape.slice(2).map((_, i) => i + 2);
    return [mul(rows, unsqueeze(slotMask, axes)), null, null, null];
  },
  lower: ([x, tokenOfSlot, slotOfToken]) => {
    const [rows, length] = tokenOfSlot.shape;
    const flat = reshape(x, [`${rows}·${length}`, ...x.shape.slice(2)]);
    return [gather(flat, slotOfToken)];
  },
};
/**
 * Rows back to the flat stream: y[n] = x[slotOfToken[n]] with the first two axes
 * of x seen as one. Its vjp leaves zeros in the slots without a token.
 */
export const toStream = (
  x: Value,
  { tokenOfSlot, slotOfToken, slotMask }: RowLayout,
): Value => apply(ToStream, [x, tokenOfSlot, slotOfToken, slotMask]);
