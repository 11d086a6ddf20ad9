import type { Value } from "../../onnx/graph/graph.ts";
import { add, cast, mul, scale, sub } from "../../ops/elementwise.ts";
import { tokenLogProbs } from "../../ops/head.ts";
import {
  gather,
  type RowLayout,
  segmentSum,
  toRows,
  toStream,
} from "../../ops/indexing.ts";
import { gemm } from "../../ops/linalg.ts";
import { reshape, transpose, unsqueeze } from "../../ops/shaping.ts";
import { capped } from "../../ops/activation.ts";
import {
  type Architecture,
  architectureOf,
  type DecoderConfig,
} from "../config.ts";
import {
  type Attention,
  type Heads,
  hide,
  lateness,
  remoteness,
  rowsAttention,
  type Stream,
  streamAttention,
} from "./attention.ts";
import {
  type BlockParameters,
  MLPS,
  NORMS,
  type Parameters,
  PROJECTIONS,
} from "./layers.ts";
import { tiledAttention, type TileInputs } from "./tiles.ts";

/**
 * A tree batch in a graph: rows of a prompt with its continuations, of which
 * all tokens lie in one stream, and S scored tokens of Q sequences.
 */
export interface StreamInputs extends Omit<Stream, "attend">, RowLayout {
  /** 0 in the prompt, k in the k-th continuation, −1 in an empty slot, `[R, T]`. */
  readonly segmentIds: Value;
  /** 0, 1, 2, … `[T]`. */
  readonly slotIndex: Value;
  /** Token from which each scored token is predicted, int32 `[S]`. */
  readonly predictFrom: Value;
  /** The scored tokens' ids, int32 `[S, 1]`. */
  readonly targetIds: Value;
  /** The sequence of each scored token, int32 `[S]`. */
  readonly sequences: Value;
  /** A zero for each sequence, `[Q]`. */
  readonly zeros: Value;
  /** Attention's tiles; `null` where it works in rows. */
  readonly tiling: TileInputs | null;
}

/**
 * Hidden states of a stream of tokens after the final norm and the logits'
 * factor, `[N, hidden]`: logits are their products with the head. Everything
 * except attention works on the flat stream.
 */
export function streamStates(
  config: DecoderConfig,
  parameters: Parameters,
  stream: Stream,
): Value {
  const architecture = architectureOf(config);
  const attention = streamAttention(architecture, stream);
  const parts = { architecture, parameters, attention };
  let x = embedded(architecture, parameters, stream);
  for (let i = 0; i < config.layers; i++) {
    x.graph.mark();
    x = block(x, i, parts);
  }
  x.graph.mark();
  const states = normed(x, architecture.names.finalNorm, parts);
  return scale(states, architecture.logitScale);
}

function embedded(
  { names, embeddingScale }: Architecture,
  parameters: Parameters,
  { ids, positions }: Stream,
): Value {
  const rows = (module: string, index: Value) =>
    gather(parameters.value(`${module}.weight`), index);
  const x = scale(rows(names.embedding, ids), embeddingScale);
  if (!names.positions) return x;
  return add(x, rows(names.positions, cast(positions, "int32")));
}

/**
 * Hidden states of a tree batch, `[N, hidden]`. A key is visible if it is not
 * later than the query, stands in the prompt or in the query's own continuation,
 * and is not too far away for the layer.
 */
function hiddenStates(
  config: DecoderConfig,
  parameters: Parameters,
  inputs: StreamInputs,
): Value {
  const { ids, positions, tiling } = inputs;
  const attend = tiling
    ? tiledAttention(config, { ...tiling, positions })
    : attentionInRows(config, inputs);
  return streamStates(config, parameters, { ids, positions, attend });
}

/** Attends over a stream that is gathered into rows. */
function attentionInRows(
  config: DecoderConfig,
  inputs: StreamInputs,
): Stream["attend"] {
  const attendInRows = rowsAttention(config, visibility(inputs));
  const inRows = (x: Value) => transpose(toRows(x, inputs), [0, 2, 1, 3]);
  return ({ q, k, v }: Heads, layer: number) => {
    const output = attendInRows([inRows(q), inRows(k), inRows(v)], layer);
    return toStream(transpose(output, [0, 2, 1, 3]), inputs);
  };
}

export interface LogProbOptions {
  /** The number of parts in which the head is applied. */
  chunks: number;
  /** Whether to compute log Σ π², how concentrated the distributions are. @default false */
  collisions?: boolean;
}

/** log π of each target token of a tree batch, in nats, and log Σ π²: `[S]` each. */
export function targetLogProbs(
  config: DecoderConfig,
  parameters: Parameters,
  { inputs, ...options }: LogProbOptions & { inputs: StreamInputs },
): { logProbs: Value; collisions: Value | undefined } {
  const { predictFrom, targetIds } = inputs;
  const states = gather(hiddenStates(config, parameters, inputs), predictFrom);
  const head = headName(config);
  const { logitCap } = architectureOf(config);
  const { logProb, collision } = tokenLogProbs(
    [states, parameters.value(head), targetIds],
    { trained: parameters.isTrained(head), cap: logitCap, ...options },
  );
  return {
    logProbs: reshape(logProb, ["S"]),
    collisions: collision && reshape(collision, ["S"]),
  };
}

/** Sums a quantity of target tokens, `[S]`, over each sequence, `[Q]`. */
export function sequenceSums(
  perToken: Value,
  { sequences, zeros }: StreamInputs,
): Value {
  return segmentSum(perToken, sequences, zeros);
}

/** Logits of the tokens that follow each token of `predictFrom`, `[S, vocabulary]`. */
export function nextLogits(
  config: DecoderConfig,
  parameters: Parameters,
  inputs: StreamInputs,
): Value {
  const states = hiddenStates(config, parameters, inputs);
  return logits(config, parameters, gather(states, inputs.predictFrom));
}

/** Logits from hidden states, `[S, vocabulary]` from `[S, hidden]`. */
export function logits(
  config: DecoderConfig,
  parameters: Parameters,
  states: Value,
): Value {
  const head = parameters.value(headName(config));
  const { logitCap } = architectureOf(config);
  return capped(gemm(states, head, { transB: true }), logitCap).value;
}

/** The name of the parameter that serves as the head. */
function headName(config: DecoderConfig): string {
  const { names, tiedHead } = architectureOf(config);
  return `${tiedHead ? names.embedding : names.head}.weight`;
}

/**
 * Attention's bias, `[R, 1, T, T]`: 0 for keys that are visible to a query and
 * −10⁹ for others, by arithmetic only, since providers differ in their operators
 * for booleans. key · (key − query) is 0 exactly if the key is in the prompt
 * (segment 0) or in the query's segment. Distances are between positions, which
 * go on from the prompt in each continuation.
 */
function visibility(
  { segmentIds, slotIndex, positions, tokenOfSlot }: StreamInputs,
): (window: number | null) => Value {
  const key = unsqueeze(segmentIds, [1]);
  const foreign = mul(key, sub(key, unsqueeze(segmentIds, [2])));
  const hidden = add(mul(foreign, foreign), lateness(slotIndex, slotIndex));
  return (window) => {
    if (window === null) return hide(hidden);
    const inRows = gather(positions, tokenOfSlot);
    const distances = sub(unsqueeze(inRows, [2]), unsqueeze(inRows, [1]));
    return hide(add(hidden, remoteness(distances, window)));
  };
}

/** The parts that all blocks of a decoder share. */
interface Parts {
  readonly architecture: Architecture;
  readonly parameters: Parameters;
  readonly attention: Attention;
}

/**
 * Applies block number `index`: attention and a feed-forward layer, each added
 * to its input, with the norms before and after it that the model has.
 */
function block(x: Value, index: number, parts: Parts): Value {
  const { architecture, attention } = parts;
  const { names, parallel, residualScale } = architecture;
  const own = blockParameters(index, parts);
  const attend = (x: Value) => {
    const variant = PROJECTIONS[architecture.projections];
    const [q, k, v] = variant.apply(x, own, architecture);
    const output = attention({ q: q!, k: k!, v: v! }, index, own);
    const mixed = own.linear(output, names.attentionOutput);
    return scale(own.norm(mixed, names.attentionOut), residualScale);
  };
  const feed = (x: Value) => {
    const fed = MLPS[architecture.mlp].apply(x, own, architecture);
    return scale(own.norm(fed, names.mlpOut), residualScale);
  };

  const h = own.norm(x, names.attentionIn);
  if (parallel) {
    const g = names.mlpIn ? own.norm(x, names.mlpIn) : h;
    return add(x, add(attend(h), feed(g)));
  }
  const y = add(x, attend(h));
  return add(y, feed(own.norm(y, names.mlpIn)));
}

function blockParameters(
  index: number,
  parts: Pick<Parts, "architecture" | "parameters">,
): BlockParameters {
  const { architecture, parameters } = parts;
  const prefix = `${architecture.names.layers}.${index}`;
  return {
    linear: (x, module) => parameters.linear(x, `${prefix}.${module}.weight`),
    norm: (x, module) => module ? normed(x, `${prefix}.${module}`, parts) : x,
    value: (name) => parameters.value(`${prefix}.${name}`),
  };
}

/** Applies the norm of a name to x. */
function normed(
  x: Value,
  module: string,
  { architecture, parameters }: Pick<Parts, "architecture" | "parameters">,
): Value {
  const part = (name: string) => parameters.value(`${module}.${name}`);
  return NORMS[architecture.norm].apply(x, part, architecture.normEpsilon);
}
