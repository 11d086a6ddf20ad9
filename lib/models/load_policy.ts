import { createHash } from "node:crypto";
import {
  adaptedConfig,
  type Adapter,
  checkAdapter,
} from "./adapter/adapter.ts";
import { readAdapter } from "./adapter/adapter_folder.ts";
import { type BaseWeights, quantizeWeights } from "./base_weights.ts";
import type { DecoderConfig } from "./config.ts";
import { parameterNames } from "./parameters.ts";
import { openModel } from "./open_model.ts";
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
  | { readonly kind: "adapter"; readonly folder: string };

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
    const policy = fullPolicy(config, await readAll(config, weights));
    return { policy, weights, exact: null, lora: null, adapterHash: null };
  }
  const lora = tuning.kind === "adapter"
    ? await loadedLora(config, tuning.folder)
    : freshLora(config, tuning);
  const adapterHash = tuning.kind === "adapter" ? hashAdapter(lora) : null;
  await weights.assertFinite();
  const adapted = adaptedConfig(config, lora.replaced);
  const policyOver = async (kind: BaseWeights) =>
    loraPolicy(adapted, await quantizeWeights(config, weights, kind), lora);
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

async function loadedLora(
  config: DecoderConfig,
  folder: string,
): Promise<Lora> {
  const { config: _, tensors, replaced, ...scaling } = await readAdapter(
    folder,
  );
  checkAdapter(config, { tensors, replaced, ...scaling });
  // In forward order, whatever the order of the file.
  const targets = parameterNames(config).map(({ name }) => name)
    .filter((name) => tensors.has(name));
  return {
    ...scaling,
    targets,
    replaced: replaced.map(({ name, shape }) => ({ name, shape })),
    initial: adapterValues({ tensors, replaced }),
  };
}

async function readAll(
  config: DecoderConfig,
  weights: Weights,
): Promise<Map<string, Float32Array<ArrayBuffer>>> {
  const values = new Map<string, Float32Array<ArrayBuffer>>();
  for (const { name } of parameterNames(config)) {
    values.set(name, await weights.read(name));
  }
  return values;
}

function hashAdapter({ targets, initial, ...scaling }: Lora): string {
  const hash = createHash("sha256");
  for (const name of targets) {
    hash.update(`${name} × ${updateOf(scaling, name).scale}`);
  }
  for (const [name, data] of initial) {
    hash.update(name);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex");
}
