import {
  type Architecture,
  architectureOf,
  type DecoderConfig,
} from "./config.ts";
import {
  type LinearLayer,
  MLPS,
  normVectors,
  PROJECTIONS,
  QK_NORMS,
} from "./decoder/layers.ts";
import { elementCount } from "./weights/safetensors_header.ts";

/** A parameter of a model. */
export interface Parameter {
  /** Name in a Hugging Face folder. */
  readonly name: string;
  /** Its shape there. */
  readonly shape: readonly number[];
}

/** The parameters of a model, in the order in which a forward pass uses them. */
export function parameterNames(config: DecoderConfig): Parameter[] {
  const architecture = architectureOf(config);
  const { names, vocabSize, hiddenSize, maxPositions } = architecture;
  const matrix = (module: string, rows: number) => ({
    name: `${module}.weight`,
    shape: [rows, hiddenSize],
  });
  return [
    matrix(names.embedding, vocabSize),
    ...names.positions ? [matrix(names.positions, maxPositions)] : [],
    ...layerNames(config).flatMap((layer) =>
      layerParameters(architecture).map(({ name, shape }) => ({
        name: `${layer}.${name}`,
        shape,
      }))
    ),
    ...normParameters(architecture, names.finalNorm, hiddenSize),
    ...config.tiedHead ? [] : [matrix(names.head, vocabSize)],
  ];
}

/**
 * The weights of the blocks' linear layers, without the head, in forward order.
 *
 * @returns shapes as `[outputs, inputs]`, however they are stored.
 */
export function linearParameters(config: DecoderConfig): Parameter[] {
  const architecture = architectureOf(config);
  const layers = [
    ...attentionLinears(architecture),
    ...mlpLinears(architecture),
  ];
  return layerNames(config).flatMap((layer) =>
    layers.map(({ module, outputs, inputs }) => ({
      name: `${layer}.${module}.weight`,
      shape: [outputs, inputs],
    }))
  );
}

/** Counts the elements of parameters. */
export function countParameters(parameters: readonly Parameter[]): number {
  return parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0);
}

function layerNames(config: DecoderConfig): string[] {
  const { names, layers } = architectureOf(config);
  return Array.from({ length: layers }, (_, i) => `${names.layers}.${i}`);
}

function layerParameters(architecture: Architecture): Parameter[] {
  const { names, hiddenSize } = architecture;
  const norm = (module: string | null) =>
    module ? normParameters(architecture, module, hiddenSize) : [];
  const linear = (layer: BiasedLayer) => linearParts(architecture, layer);
  const [o, ...qkv] = attentionLinears(architecture).toReversed();
  return [
    ...norm(names.attentionIn),
    ...qkv.toReversed().flatMap(linear),
    ...qkNorms(architecture),
    ...linear(o!),
    ...norm(names.attentionOut),
    ...norm(names.mlpIn),
    ...mlpLinears(architecture).flatMap(linear),
    ...norm(names.mlpOut),
  ];
}

type BiasedLayer = LinearLayer & { readonly biased: boolean };

function attentionLinears(architecture: Architecture): BiasedLayer[] {
  const { names, projections, biases } = architecture;
  const { hiddenSize, heads, headDim } = architecture;
  const o = { outputs: hiddenSize, inputs: heads * headDim };
  return [
    ...PROJECTIONS[projections].layers(architecture).map((layer) => ({
      ...layer,
      biased: biases.qkv,
    })),
    { module: names.attentionOutput, ...o, biased: biases.o },
  ];
}

function mlpLinears(architecture: Architecture): BiasedLayer[] {
  return MLPS[architecture.mlp].layers(architecture).map((layer) => ({
    ...layer,
    biased: architecture.biases.mlp,
  }));
}

function linearParts(
  { inputsFirst }: Architecture,
  { module, outputs, inputs, biased }: BiasedLayer,
): Parameter[] {
  const shape = inputsFirst ? [inputs, outputs] : [outputs, inputs];
  const bias = { name: `${module}.bias`, shape: [outputs] };
  return [{ name: `${module}.weight`, shape }, ...biased ? [bias] : []];
}

function qkNorms(architecture: Architecture): Parameter[] {
  const { names, qkNorm, heads, kvHeads } = architecture;
  const { vectors } = QK_NORMS[qkNorm];
  return [
    ...vectors(names.queryNorm, heads, architecture),
    ...vectors(names.keyNorm, kvHeads, architecture),
  ].map(({ name, size }) => ({ name, shape: [size] }));
}

function normParameters(
  { norm }: Architecture,
  module: string,
  size: number,
): Parameter[] {
  return normVectors(norm, module).map((name) => ({ name, shape: [size] }));
}
