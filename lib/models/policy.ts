import type { Graph, Value } from "../onnx/graph/graph.ts";
import { affine, gemm } from "../ops/linalg.ts";
import { architectureOf, type DecoderConfig } from "./config.ts";
import { asStored } from "./base_weights.ts";
import {
  linearParameters,
  type Parameter,
  parameterNames,
} from "./parameters.ts";
import type { Parameters } from "./decoder/layers.ts";
import { type LoraScaling, updateOf } from "./adapter/lora_targets.ts";
import type { Weights } from "./weights/weights.ts";

/** A decoder, and which of its parameters are trained. */
export interface Policy {
  /** The shape of the decoder. */
  readonly config: DecoderConfig;
  /** The trained parameters, in forward order. */
  readonly trained: readonly Parameter[];
  /** Their values before training, by name. */
  readonly initial: ReadonlyMap<string, Float32Array<ArrayBuffer>>;
  /**
   * Declares the parameters in a graph: trained ones as inputs of their names,
   * frozen ones as constants that stay in the model's own files.
   */
  parameters(graph: Graph): Parameters;
}

/**
 * Makes a policy whose parameters are all trained.
 *
 * @example A small decoder with random weights
 * ```ts
 * import { type DecoderConfig, fullPolicy, parameterNames } from "@prefgrad/prefgrad/models";
 * import { Rng } from "@prefgrad/prefgrad/stats";
 * import { strictEqual } from "node:assert/strict";
 *
 * const config: DecoderConfig = {
 *   ...{ vocabSize: 8, hiddenSize: 8, intermediateSize: 16, layers: 1 },
 *   ...{ heads: 2, kvHeads: 1, headDim: 4, normEpsilon: 1e-5 },
 *   ...{ rope: { theta: 10_000, scaling: null }, maxPositions: 16 },
 *   ...{ tiedHead: true, bosId: null, eosIds: [2] },
 * };
 * const rng = new Rng("weights");
 * const initial = new Map(parameterNames(config).map(({ name, shape }) => {
 *   const length = shape.reduce((a, b) => a * b);
 *   const draw = () => shape.length === 1 ? 1 : rng.normal() / 3;
 *   return [name, Float32Array.from({ length }, draw)];
 * }));
 * strictEqual(fullPolicy(config, initial).trained.length, initial.size);
 * ```
 */
export function fullPolicy(
  config: DecoderConfig,
  initial: ReadonlyMap<string, Float32Array<ArrayBuffer>>,
): Policy {
  const trained = parameterNames(config);
  return {
    config,
    trained,
    initial,
    parameters: (graph) => {
      const inputs = declare(graph, trained);
      const value = (name: string) => inputs.get(name)!;
      return {
        value,
        linear: linearOf(config, value),
        isTrained: () => true,
      };
    },
  };
}

/** Low-rank adapters of some linear layers. */
export interface Lora extends LoraScaling {
  /** Weights that have an adapter. */
  readonly targets: readonly string[];
  /** Parameters that are trained whole. */
  readonly replaced: readonly Parameter[];
  /** Values of `replaced`, and of A and B by {@linkcode loraParameters}' names. */
  readonly initial: ReadonlyMap<string, Float32Array<ArrayBuffer>>;
}

/**
 * Makes a policy with frozen weights and trained adapters,
 * y = x Wᵀ + (alpha / rank) (x Aᵀ) Bᵀ. https://arxiv.org/abs/2106.09685
 *
 * @param lora replaces parameters of `config` only.
 */
export function loraPolicy(
  config: DecoderConfig,
  weights: Weights,
  lora: Lora,
): Policy {
  const { replaced, initial } = lora;
  const adapters = loraParameters(config, lora);
  return {
    config,
    trained: [...adapters, ...replaced],
    initial,
    parameters: (graph) => {
      const factors = declare(graph, adapters);
      const whole = declare(graph, replaced);
      const stored = frozen(graph, weights);
      const value = (name: string) => whole.get(name) ?? stored(name);
      const linear = linearOf(config, value);
      return {
        value,
        linear: (x, name) => {
          const y = linear(x, name);
          const a = factors.get(`${name}.lora_A`);
          const b = factors.get(`${name}.lora_B`);
          if (!a || !b) return y;
          const { scale } = updateOf(lora, name);
          const low = gemm(x, a, { transB: true });
          return affine([low, b, y], { transB: true, alpha: scale });
        },
        isTrained: (name) => whole.has(name),
      };
    },
  };
}

/** A (`[rank, inputs]`) and B (`[outputs, rank]`) of each target. */
export function loraParameters(
  config: DecoderConfig,
  lora: LoraScaling & Pick<Lora, "targets">,
): Parameter[] {
  const shapes = new Map(
    linearParameters(config).map(({ name, shape }) => [name, shape]),
  );
  return lora.targets.flatMap((name) => {
    const [outputs, inputs] = shapes.get(name)!;
    const { rank } = updateOf(lora, name);
    return [
      { name: `${name}.lora_A`, shape: [rank, inputs!] },
      { name: `${name}.lora_B`, shape: [outputs!, rank] },
    ];
  });
}

/**
 * A as PEFT starts it, uniform in ±1/√inputs (Kaiming with a = √5), and B = 0,
 * so that training starts at the model itself.
 */
export function initialLora(
  parameters: readonly Parameter[],
  uniform: () => number,
): Map<string, Float32Array<ArrayBuffer>> {
  return new Map(parameters.map(({ name, shape: [rows, columns] }) => {
    const data = new Float32Array(rows! * columns!);
    if (name.endsWith(".lora_A")) {
      const bound = 1 / Math.sqrt(columns!);
      data.forEach((_, i) => data[i] = bound * (2 * uniform() - 1));
    }
    return [name, data];
  }));
}

/** Applies linear layers as they are stored, x Wᵀ or x W, with their biases. */
function linearOf(
  config: DecoderConfig,
  value: (name: string) => Value,
): Parameters["linear"] {
  const names = new Set(parameterNames(config).map(({ name }) => name));
  const transB = !architectureOf(config).inputsFirst;
  return (x, name) => {
    const bias = name.replace(/weight$/, "bias");
    return names.has(bias)
      ? affine([x, value(name), value(bias)], { transB })
      : gemm(x, value(name), { transB });
  };
}

function declare(
  graph: Graph,
  parameters: readonly Parameter[],
): Map<string, Value> {
  return new Map(
    parameters.map(({ name, shape }) => [name, graph.input(name, shape)]),
  );
}

/** Gives each weight once, as stored or quantized. */
function frozen(graph: Graph, weights: Weights): (name: string) => Value {
  const values = new Map<string, Value>();
  const make = (name: string) =>
    weights.quantized?.get(name) ?? asStored(weights, { name });
  return (name) => {
    const value = values.get(name) ?? make(name)(graph);
    values.set(name, value);
    return value;
  };
}
