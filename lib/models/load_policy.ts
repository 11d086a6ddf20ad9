import { createHash } from "node:crypto";
import {
  adaptedConfig,
  type Adapter,
  checkAdapter,
  mergeAdapter,
  mergedOnly,
} from "./adapter/adapter.ts";
import { readAdapter } from "./adapter/adapter_folder.ts";
import { type BaseWeights, quantizeWeights } from "./base_weights.ts";
import { architectureOf, type DecoderConfig } from "./config.ts";
import { parameterNames } from "./parameters.ts";
import { type OpenModel, openModel } from "./open_model.ts";
import {
  type LoraScaling,
  resolveTargets,
  updateOf,
} from "./adapter/lora_targets.ts";
import {
  fullPolicy,
  initialLora,
  type Lora,
  loraParameters,
  loraPolicy,
  type Policy,
} from "./policy.ts";
import { StoredValues } from "./weights/stored_values.ts";
import type { Weights } from "./weights/weights.ts";

/** Which parameters of a model are trained. */
export type Tuning =
  | { readonly kind: "full" }
  | LoraScaling & {
    readonly kind: "lora";
    readonly targets: "all-linear" | readonly string[];
    /** Draws A's first values, in [0, 1). */
    readonly uniform: () => number;
  }
  | {
    readonly kind: "adapter";
    readonly folder: string;
    /** Whether it is to be trained, which some kinds cannot be. @default true */
    readonly isTrained?: boolean;
  };

/** A model folder, ready to be trained. */
export interface LoadedPolicy {
  /** The decoder with its trained parameters. */
  readonly policy: Policy;
  /** The folder's weights. */
  readonly weights: Weights;
  /**
   * The policy over weights as they are stored; `null` where `policy` is that
   * one.
   */
  readonly exact: Policy | null;
  /** The adapter's targets and first values; `null` in full tuning. */
  readonly lora: Lora | null;
  /** SHA-256 of the adapter that training starts from; `null` without one. */
  readonly adapterHash: string | null;
}

/**
 * Loads a model folder to be trained.
 *
 * @param options `baseWeights`: how weights that are not trained are held.
 * @throws Error for a folder, weight or adapter that is missing, unsupported,
 * of the wrong shape or not finite.
 */
export async function loadPolicy(
  folder: string,
  tuning: Tuning,
  { baseWeights = "float32" }: { baseWeights?: BaseWeights } = {},
): Promise<LoadedPolicy> {
  const { config, weights } = await openModel(folder);
  if (tuning.kind === "full") {
    refuseQuantized(baseWeights);
    await weights.assertFinite();
    const policy = fullPolicy(config, new StoredValues(config, weights));
    return { policy, weights, exact: null, lora: null, adapterHash: null };
  }
  const { lora, adapterHash, adapted, base } = tuning.kind === "adapter"
    ? await loadedLora({ config, weights }, tuning)
    : {
      lora: freshLora(config, tuning),
      ...{ adapterHash: null, adapted: config, base: weights },
    };
  await weights.assertFinite();
  const policyOver = async (kind: BaseWeights) =>
    loraPolicy(adapted, await quantizeWeights(adapted, base, kind), lora);
  const exact = await policyOver("float32");
  const isExact = baseWeights === "float32";
  return {
    policy: isExact ? exact : await policyOver(baseWeights),
    weights,
    exact: isExact ? null : exact,
    lora,
    adapterHash,
  };
}

function refuseQuantized(baseWeights: BaseWeights): void {
  if (baseWeights === "float32") return;
  throw new RangeError(
    `Cannot hold base weights as ${baseWeights} in full tuning: ` +
      `all weights are trained, in float32`,
  );
}

/** Makes an adapter of trained values, as folders hold it. */
export function adapterOf(
  { targets, replaced, initial: _, ...scaling }: Lora,
  values: ReadonlyMap<string, Float32Array>,
): Adapter {
  return {
    ...scaling,
    tensors: new Map(targets.map((name) => [name, {
      a: values.get(`${name}.lora_A`)!,
      b: values.get(`${name}.lora_B`)!,
    }])),
    replaced: replaced.map((parameter) => ({
      ...parameter,
      data: values.get(parameter.name)!,
    })),
  };
}

/** Values of an adapter by the names of the policy's parameters. */
export function adapterValues(
  { tensors, replaced }: Pick<Adapter, "tensors" | "replaced">,
): Map<string, Float32Array<ArrayBuffer>> {
  const values = [
    ...[...tensors].flatMap(([name, { a, b }]) =>
      [[`${name}.lora_A`, a], [`${name}.lora_B`, b]] as const
    ),
    ...replaced.map(({ name, data }) => [name, data] as const),
  ];
  return new Map(
    values.map(([name, data]) => [name, Float32Array.from(data)] as const),
  );
}

function freshLora(
  config: DecoderConfig,
  { kind: _, uniform, ...tuning }: Extract<Tuning, { kind: "lora" }>,
): Lora {
  const targets = resolveTargets(config, tuning.targets);
  const lora = { ...tuning, targets, replaced: [] };
  const initial = initialLora(loraParameters(config, lora), uniform);
  return { ...lora, initial };
}

interface LoadedLora {
  readonly lora: Lora;
  readonly adapterHash: string;
  /** The model's configuration under the adapter. */
  readonly adapted: DecoderConfig;
  /** The weights, with the updates that are not trained merged into them. */
  readonly base: Weights;
}

async function loadedLora(
  { config, weights }: OpenModel,
  { folder, isTrained = true }: Extract<Tuning, { kind: "adapter" }>,
): Promise<LoadedLora> {
  const adapter = await readAdapter(folder);
  checkAdapter(config, adapter);
  const { names: merged, reason } = mergedOnly(config, adapter);
  if (isTrained && (merged.length > 0 || adapter.tied)) {
    throw new Error(
      `Cannot train the adapter ${folder}: it has ` +
        `${merged.length > 0 ? reason : "ensure_weight_tying"}, expected one ` +
        `without (such adapters are evaluated and merged only)`,
    );
  }
  const adapted = adaptedConfig(config, adapter);
  // In forward order, whatever the order of the file.
  const updated = parameterNames(adapted).map(({ name }) => name)
    .filter((name) => adapter.tensors.has(name));
  const { config: _c, stored: _s, tied: _t, ...kept } = adapter;
  const { tensors, replaced, ...scaling } = kept;
  const trained = new Map(
    [...tensors].filter(([name]) => !merged.includes(name)),
  );
  return {
    lora: {
      ...scaling,
      targets: updated.filter((name) => trained.has(name)),
      replaced: replaced.map(({ name, shape }) => ({ name, shape })),
      initial: adapterValues({ tensors: trained, replaced }),
    },
    adapterHash: hashAdapter(adapter, updated),
    adapted,
    base: await withMerged(weights, { config, adapter, merged }),
  };
}

/** Holds in memory the weights into which parts of an adapter are merged. */
async function withMerged(
  weights: Weights,
  { config, adapter, merged }: {
    config: DecoderConfig;
    adapter: Adapter;
    merged: readonly string[];
  },
): Promise<Weights> {
  if (merged.length === 0) return weights;
  const { embedding, head } = architectureOf(config).names;
  // A stored one is the other one, too.
  const shared = config.tiedHead && adapter.stored?.length
    ? [`${embedding}.weight`, `${head}.weight`]
    : [];
  const names = new Set([...merged, ...shared]);
  const sources = parameterNames(adaptedConfig(config, adapter))
    .filter(({ name }) => names.has(name))
    .map((parameter) => ({
      ...parameter,
      read: () => weights.read(parameter.name),
    }));
  const held = new Map<string, Float32Array<ArrayBuffer>>();
  for (const { name, read } of mergeAdapter(sources, adapter, config)) {
    held.set(name, Float32Array.from(await read()));
  }
  return {
    ...weights,
    held,
    read: async (name) => held.get(name) ?? await weights.read(name),
    readSync: (name) => held.get(name) ?? weights.readSync(name),
  };
}

function hashAdapter(
  adapter: Adapter,
  updated: readonly string[],
): string {
  const { tensors, stored = [] } = adapter;
  const hash = createHash("sha256");
  for (const name of updated) {
    hash.update(`${name} × ${updateOf(adapter, name).scale}`);
  }
  const magnitudes = [...tensors].flatMap(([name, { magnitude: data }]) =>
    data ? [{ name, data }] : []
  );
  const values = [
    ...adapterValues(adapter),
    ...[...magnitudes, ...stored].map(({ name, data }) =>
      [name, data] as const
    ),
  ];
  for (const [name, data] of values) {
    hash.update(name);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex");
}
