import type { Graph, Value } from "../../onnx/graph.ts";
import type { HostTensor } from "../../onnx/session.ts";
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

/** The graph's names for keys and values of one layer. */
export function cacheNames(layer: number): { k: string; v: string } {
  return { k: `keys.${layer}`, v: `values.${layer}` };
}

/**
 * Builds a decoder with a cache: R rows go on by n slots from T slots each,
 * whose keys and values are fed. Every row ends at the last slot and shorter
 * ones start later, so one count of slots serves all.
 *
 * Inputs: the new tokens as a stream, `ids` and `positions` (`[N]`), with
 * `slots` (token of each new slot, `[n, R]`) and `places` (slot of each token,
 * `[N]`); `starts` (first slot of each row, `[R]`), `order` (0, 1, 2, …
 * `[T+n]`) and `newOrder` (its last n); `sources`, the tokens whose next one is
 * wanted (`[S]`); keys and values of each layer under
 * {@linkcode cacheNames}, `[T, R, kvHeads, size]`.
 *
 * @returns `logits` (`[S, vocabulary]`), and keys and values of the new tokens
 * (`[N, kvHeads, size]`).
 */
export function cachedDecoder(
  graph: Graph,
  config: DecoderConfig,
  parameters: Parameters,
): Record<string, Value> {
  const sources = graph.input("sources", ["S"], "int32");
  const { outputs, attend } = cachedAttention(graph, config);
  const states = streamStates(config, parameters, {
    ids: graph.input("ids", ["N"], "int32"),
    positions: graph.input("positions", ["N"]),
    attend,
  });
  return {
    logits: logits(config, parameters, gather(states, sources)),
    ...outputs,
  };
}

function cachedAttention(graph: Graph, config: DecoderConfig) {
  const { heads, kvHeads, headDim } = config;
  const attendInRows = rowsAttention(config, visibility(graph));
  const slots = graph.input("slots", ["n", "R"], "int32");
  const places = graph.input("places", ["N"], "int32");
  const outputs: Record<string, Value> = {};
  const remembered = (name: string, x: Value) => {
    outputs[name] = x;
    const past = graph.input(name, ["T", "R", kvHeads, headDim]);
    // Slots come first, so that another slot is an append, here and outside;
    // onnxruntime merges the transpositions into the products that follow.
    return transpose(concat([past, gather(x, slots)], 0), [1, 2, 0, 3]);
  };
  const attend = ({ q, k, v }: Heads, layer: number) => {
    const names = cacheNames(layer);
    const output = attendInRows([
      transpose(gather(q, slots), [1, 2, 0, 3]),
      remembered(names.k, k),
      remembered(names.v, v),
    ], layer);
    const bySlot = transpose(output, [2, 0, 1, 3]);
    return gather(reshape(bySlot, ["n·R", heads, headDim]), places);
  };
  return { outputs, attend };
}

/** A slot sees its row's slots up to itself, or the last of them in a window. */
function visibility(graph: Graph): (window: number | null) => Value {
  const order = graph.input("order", ["T+n"]);
  const starts = graph.input("starts", ["R"]);
  const early = max(sub(unsqueeze(starts, [1]), unsqueeze(order, [0])), 0);
  const newOrder = graph.input("newOrder", ["n"]);
  const late = lateness(newOrder, order);
  const hidden = add(unsqueeze(early, [1]), late);
  return (window) => {
    if (window === null) return hide(hidden);
    const distances = sub(unsqueeze(newOrder, [1]), unsqueeze(order, [0]));
    return hide(add(hidden, remoteness(distances, window)));
  };
}

/** New tokens of one row: equally many for all, except in a prompt. */
export interface NewTokens {
  readonly ids: readonly number[];
  /** The number of tokens that the row has already. */
  readonly position: number;
}

/** Feeds of {@linkcode cachedDecoder}, apart from keys and values. */
export function newTokenFeeds(
  rows: readonly NewTokens[],
  { filled }: { filled: number },
): Record<string, HostTensor> {
  const n = Math.max(...rows.map(({ ids }) => ids.length));
  const slots = new Int32Array(n * rows.length);
  const places: number[] = [];
  const positions: number[] = [];
  const sources: number[] = [];
  const starts = rows.map(({ ids, position }, row) => {
    for (let i = 0; i < ids.length; i++) {
      const place = (n - ids.length + i) * rows.length + row;
      slots[place] = places.length;
      places.push(place);
      positions.push(position + i);
    }
    sources.push(places.length - 1);
    return filled + n - position - ids.length;
  });
  const order = Array.from({ length: filled + n }, (_, i) => i);
  return {
    ids: integers(rows.flatMap(({ ids }) => ids)),
    positions: floats(positions),
    slots: { data: slots, shape: [n, rows.length] },
    places: integers(places),
    starts: floats(starts),
    order: floats(order),
    newOrder: floats(order.slice(filled)),
    sources: integers(sources),
  };
}

function integers(list: readonly number[]): HostTensor {
  return { data: Int32Array.from(list), shape: [list.length] };
}

function floats(list: readonly number[]): HostTensor {
  return { data: Float32Array.from(list), shape: [list.length] };
}
