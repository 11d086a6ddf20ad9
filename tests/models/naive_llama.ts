import type { DecoderConfig } from "lib/models/config.ts";

type Vector = readonly number[];

/** A model's parameters by their Hugging Face names, matrices row by row. */
export type Weights = ReadonlyMap<string, ArrayLike<number>>;

/**
 * log π of each token but the first of a text, in nats, by a Llama in float64
 * as plain as can be: one text, one token after another, loops only.
 */
export function naiveLogProbs(
  config: DecoderConfig,
  weights: Weights,
  ids: readonly number[],
): number[] {
  const { hiddenSize, layers, tiedHead, normEpsilon } = config;
  const embedding = weights.get("model.embed_tokens.weight")!;
  const head = tiedHead ? embedding : weights.get("lm_head.weight")!;
  let xs = ids.map((id) => rowOf(embedding, id, hiddenSize));
  for (let i = 0; i < layers; i++) {
    xs = block(config, (part) => weights.get(partName(i, part))!, xs);
  }
  const scale = weights.get("model.norm.weight")!;
  return ids.slice(1).map((id, t) => {
    const logits = product(head, norm(xs[t]!, scale, normEpsilon));
    return logits[id]! - Math.log(sum(logits.map(Math.exp)));
  });
}

const partName = (layer: number, part: string) =>
  `model.layers.${layer}.${part}.weight`;

/** x + attention(norm x), then x + mlp(norm x). */
function block(
  config: DecoderConfig,
  weight: (part: string) => ArrayLike<number>,
  xs: readonly Vector[],
): Vector[] {
  const normed = (x: Vector, part: string) =>
    norm(x, weight(part), config.normEpsilon);
  const hs = xs.map((x) => normed(x, "input_layernorm"));
  const projected = (part: string) =>
    hs.map((h) => product(weight(`self_attn.${part}_proj`), h));
  const attended = attend(config, {
    q: projected("q"),
    k: projected("k"),
    v: projected("v"),
  });
  return xs.map((x, t) => {
    const y = plus(x, product(weight("self_attn.o_proj"), attended[t]!));
    const g = normed(y, "post_attention_layernorm");
    const up = product(weight("mlp.up_proj"), g);
    const gated = product(weight("mlp.gate_proj"), g)
      .map((z, i) => z / (1 + Math.exp(-z)) * up[i]!);
    return plus(y, product(weight("mlp.down_proj"), gated));
  });
}

/** Every query head looks at its key head, now and earlier. */
function attend(
  config: DecoderConfig,
  { q, k, v }: Record<"q" | "k" | "v", readonly Vector[]>,
): Vector[] {
  const { heads, kvHeads, headDim } = config;
  const part = (x: Vector, head: number) => rowOf(x, head, headDim);
  const turned = (x: Vector, head: number, t: number) =>
    rotate(part(x, head), t, config);
  return q.map((query, t) =>
    Array.from({ length: heads }, (_, head) => {
      const kvHead = Math.floor(head * kvHeads / heads);
      const mine = turned(query, head, t);
      const scores = k.slice(0, t + 1).map((key, u) =>
        Math.exp(dot(mine, turned(key, kvHead, u)) / Math.sqrt(headDim))
      );
      return mix(scores, v.map((value) => part(value, kvHead)));
    }).flat()
  );
}

/** Turns the pairs (i, i + size / 2) of a head by position × frequency. */
function rotate(x: Vector, position: number, config: DecoderConfig): Vector {
  const half = x.length / 2;
  return x.map((a, i) => {
    const angle = position * frequency(i % half, config);
    const b = i < half ? -x[i + half]! : x[i - half]!;
    return a * Math.cos(angle) + b * Math.sin(angle);
  });
}

/** The frequency of pair i, as in transformers' modeling_rope_utils.py. */
function frequency(i: number, { headDim, rope }: DecoderConfig): number {
  const { theta, scaling } = rope!;
  const plain = 1 / theta ** (2 * i / headDim);
  if (scaling?.kind !== "llama3") return plain;
  const { factor, originalMaxPositions } = scaling;
  const { lowFrequencyFactor: low, highFrequencyFactor: high } = scaling;
  const wavelength = 2 * Math.PI / plain;
  if (wavelength > originalMaxPositions / low) return plain / factor;
  if (wavelength < originalMaxPositions / high) return plain;
  const smooth = (originalMaxPositions / wavelength - low) / (high - low);
  return (1 - smooth) * plain / factor + smooth * plain;
}

/** Mean of the first vectors by positive weights. */
function mix(weights: Vector, vectors: readonly Vector[]): Vector {
  const total = sum(weights);
  return vectors[0]!.map((_, i) =>
    sum(weights.map((w, u) => w * vectors[u]![i]!)) / total
  );
}

function norm(x: Vector, scale: ArrayLike<number>, epsilon: number): Vector {
  const root = Math.sqrt(dot(x, x) / x.length + epsilon);
  return x.map((a, i) => a / root * scale[i]!);
}

/** Matrix · x. */
function product(matrix: ArrayLike<number>, x: Vector): Vector {
  const rows = matrix.length / x.length;
  return Array.from({ length: rows }, (_, i) => {
    let total = 0;
    for (let j = 0; j < x.length; j++) {
      total += matrix[i * x.length + j]! * x[j]!;
    }
    return total;
  });
}

function rowOf(matrix: ArrayLike<number>, row: number, size: number): Vector {
  return Array.from({ length: size }, (_, j) => matrix[row * size + j]!);
}

const sum = (x: Vector) => x.reduce((a, b) => a + b, 0);
const dot = (x: Vector, y: Vector) => sum(x.map((a, i) => a * y[i]!));
const plus = (x: Vector, y: Vector) => x.map((a, i) => a + y[i]!);
