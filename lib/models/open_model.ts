import { architectureOf, type DecoderConfig } from "./config.ts";
import { parameterNames } from "./parameters.ts";
import { readConfig } from "./read_config.ts";
import {
  haveSameValues,
  openWeights,
  type Weights,
} from "./weights/weights.ts";
import {
  adaptedConfig,
  checkAdapter,
  mergeAdapter,
} from "./adapter/adapter.ts";
import { readAdapter } from "./adapter/adapter_folder.ts";
import { refuseAdapter } from "./adapter/other_folders.ts";
import type { TensorSource } from "./weights/write_safetensors.ts";

/** A model folder: its configuration, and its weights by canonical names. */
export interface OpenModel {
  readonly config: DecoderConfig;
  readonly weights: Weights;
}

/** Tensors of older files that every model computes again: frequencies, masks. */
const RECOMPUTED =
  /\.rotary_emb\.inv_freq$|\.(attn|attention)\.(masked_)?bias$/;

/**
 * Opens a Hugging Face model folder, and checks that its weights are those of
 * its configuration, no more and no less.
 *
 * @throws Error that names what is missing or wrong: the folder, a file and its
 * field, or a tensor with the shapes expected and found.
 */
export async function openModel(folder: string): Promise<OpenModel> {
  await refuseAdapter(folder);
  const stated = await readConfig(folder);
  const weights = withCanonicalNames(stated, await openWeights(folder));
  const config = await withOwnHead(stated, weights);
  checkWeights(config, weights);
  return {
    config,
    weights: config.tiedHead ? withTied(config, weights) : weights,
  };
}

/** Gives a tied head's values under its own name too: an adapter may part the two. */
function withTied(config: DecoderConfig, weights: Weights): Weights {
  const { embedding, head } = architectureOf(config).names;
  const nameOf = (name: string) =>
    name === `${head}.weight` ? `${embedding}.weight` : name;
  return {
    ...weights,
    get: (name) => weights.get(nameOf(name)),
    read: (name) => weights.read(nameOf(name)),
    readSync: (name) => weights.readSync(nameOf(name)),
  };
}

/**
 * A head that is stored beside the embedding that config.json ties it to counts
 * where its values differ, as in transformers.
 */
async function withOwnHead(
  config: DecoderConfig,
  weights: Weights,
): Promise<DecoderConfig> {
  const { embedding, head } = architectureOf(config).names;
  const [own, tied] = [`${head}.weight`, `${embedding}.weight`];
  if (!config.tiedHead || !weights.get(own) || !weights.get(tied)) {
    return config;
  }
  const tiedHead = await haveSameValues(weights, [own, tied]);
  return { ...config, tiedHead };
}

function checkWeights(config: DecoderConfig, weights: Weights): void {
  const expected = parameterNames(config);
  for (const { name, shape } of expected) {
    const actual = weights.get(name);
    if (actual?.shape.join() === shape.join()) continue;
    throw new Error(
      `Cannot use tensor "${name}" of ${actual?.file ?? weights.files}: ` +
        `expected shape [${shape}] as config.json has it, ` +
        `found ${actual ? `[${actual.shape}]` : "no such tensor"}`,
    );
  }
  const known = new Set(expected.map(({ name }) => name));
  if (config.tiedHead) {
    known.add(`${architectureOf(config).names.head}.weight`);
  }
  for (const name of weights.names()) {
    if (known.has(name) || RECOMPUTED.test(name)) continue;
    throw new Error(
      `Unknown tensor "${name}" in ${weights.get(name)?.file}: ` +
        `the configuration has no place for it`,
    );
  }
}

/**
 * Finds a model's weights by the names of {@linkcode parameterNames}, which
 * transformers uses in memory and saves. Some files differ: GPT-2's lack the
 * `transformer.` of a model with a head, GPT-NeoX's may call the head by its
 * newer name, and those of a tied head may have it in place of the embedding.
 */
function withCanonicalNames(
  config: DecoderConfig,
  weights: Weights,
): Weights {
  const stored = new Map<string, string>();
  for (const { name } of parameterNames({ ...config, tiedHead: false })) {
    const other = weights.get(name)
      ? undefined
      : otherNames(config, name).find((other) => weights.get(other));
    if (other !== undefined) stored.set(name, other);
  }
  if (stored.size === 0) return weights;
  const canonical = new Map(
    stored.entries().map(([name, other]) => [other, name]),
  );
  const nameOf = (name: string) => stored.get(name) ?? name;
  return {
    ...weights,
    names: () => weights.names().map((name) => canonical.get(name) ?? name),
    get: (name) => weights.get(nameOf(name)),
    read: (name) => weights.read(nameOf(name)),
    readSync: (name) => weights.readSync(nameOf(name)),
  };
}

const HEAD = "lm_head.weight";

function otherNames(config: DecoderConfig, name: string): string[] {
  const { names } = architectureOf(config);
  if (name === `${names.head}.weight`) return [HEAD];
  const [, ...rest] = name.split(".");
  const isTied = config.tiedHead && name === `${names.embedding}.weight`;
  return [rest.join("."), ...isTied ? [`${names.head}.weight`, HEAD] : []];
}

/** A model's parameters in forward order, which are read one by one. */
export interface ModelTensors {
  readonly tensors: readonly TensorSource[];
  /** The weights as they are stored. */
  readonly weights: Weights;
}

/**
 * Opens a model folder, with an adapter merged into it where one is given.
 *
 * @throws Error for a folder, weight or adapter that is missing, unsupported or
 * of the wrong shape.
 */
export async function openTensors(
  folder: string,
  { adapter }: { adapter?: string | undefined } = {},
): Promise<ModelTensors> {
  const { config, weights } = await openModel(folder);
  const stored = (config: DecoderConfig) =>
    parameterNames(config).map(({ name, shape }) => ({
      name,
      shape,
      read: () => weights.read(name),
    }));
  if (adapter === undefined) {
    return { tensors: stored(config), weights };
  }
  const update = await readAdapter(adapter);
  checkAdapter(config, update);
  const known = stored(adaptedConfig(config, update));
  const tensors = mergeAdapter(known, update, config);
  return { tensors, weights };
}
