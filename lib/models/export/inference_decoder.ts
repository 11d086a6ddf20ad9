import type { Graph, Value } from "../../onnx/graph/graph.ts";
import {
  concat,
  countUp,
  lengthOf,
  reshape,
  transpose,
  unflatten,
  unsqueeze,
} from "../../ops/shaping.ts";
import { add, cast, max, neg, sub } from "../../ops/elementwise.ts";
import {
  type Heads,
  hide,
  remoteness,
  rowsAttention,
} from "../decoder/attention.ts";
import type { DecoderConfig } from "../config.ts";
import { logits, streamStates } from "../decoder/decoder.ts";
import type { Parameters } from "../decoder/layers.ts";

// Names of axes that transformers.js relies on to make an empty cache.
const BATCH = "batch_size";
const NEW = "sequence_length";
const PAST = "past_sequence_length";

/**
 * Builds a decoder with the interface of Hugging Face's ONNX models, for
 * onnxruntime and transformers.js: padded rows of a batch, and keys and values of
 * earlier tokens as inputs and outputs.
 *
 * Inputs: `input_ids` and `position_ids` (`[batch, new]`) and
 * `attention_mask` (`[batch, past + new]`, 1 for tokens and 0 for padding), all
 * int64; `past_key_values.{layer}.key` and `.value`
 * (`[batch, kvHeads, past, size]`).
 *
 * @returns `logits` (`[batch, new, vocabulary]`), and `present.{layer}.key` and
 * `.value` (`[batch, kvHeads, past + new, size]`).
 */
export function inferenceDecoder(
  graph: Graph,
  config: DecoderConfig,
  parameters: Parameters,
): Record<string, Value> {
  const rows = (name: string, length: string) =>
    graph.input(name, [BATCH, length], "int64");
  const ids = rows("input_ids", NEW);
  const mask = rows("attention_mask", `${PAST}+${NEW}`);
  const positions = rows("position_ids", NEW);
  const flat = (x: Value) => reshape(x, ["tokens"]);
  const { presents, attend } = attention(config, { ids, mask });
  const states = streamStates(config, parameters, {
    ids: flat(ids),
    positions: flat(cast(positions, graph.float)),
    attend,
  });
  const scores = logits(config, parameters, states);
  return { logits: unflatten(scores, ids), ...presents };
}

function attention(
  config: DecoderConfig,
  { ids, mask }: { ids: Value; mask: Value },
) {
  const { graph } = ids;
  const { heads, kvHeads, headDim } = config;
  const attendInRows = rowsAttention(config, visibility(ids, mask));
  const inRows = (x: Value) => transpose(unflatten(x, ids), [0, 2, 1, 3]);
  const presents: Record<string, Value> = {};
  const remembered = (name: string, x: Value) => {
    const shape = [BATCH, kvHeads, PAST, headDim];
    const past = graph.input(`past_key_values.${name}`, shape);
    return presents[`present.${name}`] = concat([past, inRows(x)], 2);
  };
  const attend = ({ q, k, v }: Heads, layer: number) => {
    const output = attendInRows([
      inRows(q),
      remembered(`${layer}.key`, k),
      remembered(`${layer}.value`, v),
    ], layer);
    const byToken = transpose(output, [0, 2, 1, 3]);
    return reshape(byToken, [q.shape[0]!, heads, headDim]);
  };
  return { presents, attend };
}

/**
 * Attention's bias, `[batch, 1, new, past + new]`: a slot sees those of the mask
 * up to itself, or the last of them in a window. Slots are counted, not taken from
 * `position_ids`, which may start anywhere: transformers.js starts at 1 for some
 * families.
 */
function visibility(
  ids: Value,
  mask: Value,
): (window: number | null) => Value {
  const { float } = ids.graph;
  const [live, fresh] = [cast(mask, float), cast(ids, float)];
  const past = sub(lengthOf(live), lengthOf(fresh));
  const distances = sub(
    unsqueeze(add(countUp(fresh), past), [2]),
    unsqueeze(countUp(live), [1]),
  );
  const padding = unsqueeze(sub(1, live), [1]);
  const hidden = add(max(neg(distances), 0), padding);
  return (window) =>
    hide(window === null ? hidden : add(hidden, remoteness(distances, window)));
}
