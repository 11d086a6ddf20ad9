import type { Graph, Value } from "../../onnx/graph/graph.ts";
import type { InputTable } from "../../onnx/graph/input_table.ts";
import { fillInputs, inputValues } from "../../onnx/inputs.ts";
import type { HostTensor } from "../../onnx/tensors.ts";
import { add, max, sub } from "../../ops/elementwise.ts";
import { gather } from "../../ops/indexing.ts";
import { concat, reshape, transpose, unsqueeze } from "../../ops/shaping.ts";
import {
  type Heads,
  hide,
  lateness,
  remoteness,
  rowsAttention,
} from "../decoder/attention.ts";
import type { DecoderConfig } from "../config.ts";
import { logits, streamStates } from "../decoder/decoder.ts";
import type { Parameters } from "../decoder/layers.ts";
import { drawnTokens } from "./draw.ts";

/** The graph's names for keys and values of one layer. */
export function cacheNames(layer: number): { k: string; v: string } {
  return { k: `keys.${layer}`, v: `values.${layer}` };
}

/** The graph's name for new ones of a layer, joined to those that are fed. */
export function joinedName(name: string): string {
  return `joined ${name}`;
}

/** New tokens of one row: equally many for all, except in a prompt. */
export interface NewTokens {
  readonly ids: readonly number[];
  /** The number of tokens that the row has already. */
  readonly position: number;
}

/** New tokens of R rows. */
interface NewTokenBatch {
  readonly rows: readonly NewTokens[];
  /** Slots that rows have already, T. */
  readonly filled: number;
}

/** The inputs of {@linkcode cachedDecoder} apart from keys and values. */
const INPUTS = {
  newIds: {
    shape: ["N"],
    dtype: "int32",
    fill: ({ rows }) => rows.flatMap(({ ids }) => ids),
  },
  newPositions: {
    shape: ["N"],
    fill: ({ rows }) =>
      rows.flatMap(({ ids, position }) => ids.map((_, i) => position + i)),
  },
  /** The token of each new slot; 0 where there is none. */
  tokenOfNewSlot: {
    shape: ["n", "R"],
    dtype: "int32",
    fill: ({ rows }) => {
      const shape = [newSlotCount(rows), rows.length] as const;
      const data = new Int32Array(shape[0] * shape[1]);
      slotsOf(rows).forEach((slot, token) => data[slot] = token);
      return { data, shape };
    },
  },
  newSlotOfToken: {
    shape: ["N"],
    dtype: "int32",
    fill: ({ rows }) => slotsOf(rows),
  },
  /** The first slot of each row. */
  rowStarts: {
    shape: ["R"],
    fill: ({ rows, filled }) =>
      rows.map(({ ids, position }) =>
        filled + newSlotCount(rows) - position - ids.length
      ),
  },
  /** 0, 1, 2, … */
  slots: {
    shape: ["T+n"],
    fill: ({ rows, filled }) => range(0, filled + newSlotCount(rows)),
  },
  /** The last n of them. */
  newSlots: {
    shape: ["n"],
    fill: ({ rows, filled }) => range(filled, filled + newSlotCount(rows)),
  },
  /** The last token of each row, after which the next one is wanted. */
  lastTokens: {
    shape: ["S"],
    dtype: "int32",
    fill: ({ rows }) => {
      let token = -1;
      return rows.map(({ ids }) => token += ids.length);
    },
  },
} satisfies InputTable<NewTokenBatch>;

/**
 * Builds a decoder with a cache: R rows go on by n slots from T slots each,
 * whose keys and values are fed. Every row ends at the last slot and shorter
 * ones start later, so one count of slots serves all.
 *
 * Its inputs are {@linkcode INPUTS}, and keys and values of each layer under
 * {@linkcode cacheNames}, `[T, R, kvHeads, size]`.
 *
 * @returns `logits` (`[S, vocabulary]`), keys and values of the new tokens
 * (`[N, kvHeads, size]`). For a device on which all of it stays there are also
 * those of all slots, under {@linkcode joinedName}, and `drawn`, the tokens that
 * {@linkcode drawnTokens} draws.
 */
export function cachedDecoder(
  graph: Graph,
  config: DecoderConfig,
  parameters: Parameters,
  { isResident = false }: { isResident?: boolean } = {},
): Record<string, Value> {
  const inputs = inputValues(graph, INPUTS);
  const { outputs, attend } = cachedAttention(graph, config, {
    ...inputs,
    isResident,
  });
  const states = streamStates(config, parameters, {
    ids: inputs.newIds,
    positions: inputs.newPositions,
    attend,
  });
  const last = gather(states, inputs.lastTokens);
  const next = logits(config, parameters, last);
  return {
    logits: next,
    ...outputs,
    ...isResident && { drawn: drawnTokens(graph, next) },
  };
}

type Inputs = Readonly<Record<keyof typeof INPUTS, Value>>;

function cachedAttention(
  graph: Graph,
  config: DecoderConfig,
  { isResident, ...inputs }: Inputs & { isResident: boolean },
) {
  const { heads, kvHeads, headDim } = config;
  const attendInRows = rowsAttention(config, visibility(inputs));
  const { tokenOfNewSlot, newSlotOfToken } = inputs;
  const outputs: Record<string, Value> = {};
  const remembered = (name: string, x: Value) => {
    outputs[name] = x;
    const past = graph.input(name, ["T", "R", kvHeads, headDim]);
    // Slots come first, so that another slot is an append, here and outside;
    // onnxruntime merges the transpositions into the products that follow.
    const all = concat([past, gather(x, tokenOfNewSlot)], 0);
    if (isResident) outputs[joinedName(name)] = all;
    return transpose(all, [1, 2, 0, 3]);
  };
  const attend = ({ q, k, v }: Heads, layer: number) => {
    const names = cacheNames(layer);
    const output = attendInRows([
      transpose(gather(q, tokenOfNewSlot), [1, 2, 0, 3]),
      remembered(names.k, k),
      remembered(names.v, v),
    ], layer);
    const bySlot = transpose(output, [2, 0, 1, 3]);
    return gather(reshape(bySlot, ["n·R", heads, headDim]), newSlotOfToken);
  };
  return { outputs, attend };
}

/** A slot sees its row's slots up to itself, or the last of them in a window. */
function visibility(
  { rowStarts, slots, newSlots }: Inputs,
): (window: number | null) => Value {
  const early = max(sub(unsqueeze(rowStarts, [1]), unsqueeze(slots, [0])), 0);
  const late = lateness(newSlots, slots);
  const hidden = add(unsqueeze(early, [1]), late);
  return (window) => {
    if (window === null) return hide(hidden);
    const distances = sub(unsqueeze(newSlots, [1]), unsqueeze(slots, [0]));
    return hide(add(hidden, remoteness(distances, window)));
  };
}

/** Fills the inputs of {@linkcode cachedDecoder} apart from keys and values. */
export function newTokenFeeds(
  rows: readonly NewTokens[],
  { filled }: { filled: number },
): Record<string, HostTensor> {
  return fillInputs(INPUTS, { rows, filled });
}

const newSlotCount = (rows: readonly NewTokens[]) =>
  Math.max(...rows.map(({ ids }) => ids.length));

/** The slot of each token, counted along the rows of one slot after another. */
function slotsOf(rows: readonly NewTokens[]): number[] {
  const n = newSlotCount(rows);
  return rows.flatMap(({ ids }, row) =>
    ids.map((_, i) => (n - ids.length + i) * rows.length + row)
  );
}

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i);
}
