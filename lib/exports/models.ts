/**
 * Models: their configuration and weights, what of them is trained, generation.
 *
 * @module
 */
export {
  type LoraScaling,
  type Pattern,
} from "../models/adapter/lora_targets.ts";
export { type BaseWeights } from "../models/base_weights.ts";
export {
  type DecoderConfig,
  type LayerAttention,
  type LinearScaling,
  type Llama3Scaling,
  type MlpVariant,
  type NormVariant,
  type PairScaling,
  type ProjectionVariant,
  type QkNormVariant,
  type RopeConfig,
  type Variations,
} from "../models/config.ts";
export { type Parameters } from "../models/decoder/layers.ts";
export { type Finish } from "../models/generate/batch.ts";
export {
  type Completion,
  createGenerator,
  type GenerateOptions,
  type Generator,
} from "../models/generate/generate.ts";
export { type Sampling } from "../models/generate/warpers.ts";
export {
  type LoadedPolicy,
  loadPolicy,
  type Tuning,
} from "../models/load_policy.ts";
export { type Parameter, parameterNames } from "../models/parameters.ts";
export { fullPolicy, type Lora, type Policy } from "../models/policy.ts";
export {
  type Dtype,
  ELEMENT_BYTES,
  type StoredTensor,
} from "../models/weights/safetensors_header.ts";
export {
  type LocatedTensor,
  type ValueIn,
  type Weights,
} from "../models/weights/weights.ts";
