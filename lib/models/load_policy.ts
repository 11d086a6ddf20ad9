import { createHash } from "node:crypto";
import {
  type Adapter,
  checkAdapter,
  readAdapter,
  resolveTargets,
} from "./adapter.ts";
import { type DecoderConfig, parameterNames, readConfig } from "./config.ts";
import {
  fullPolicy,
  initialLora,
  type Lora,
  loraParameters,
  loraPolicy,
  type Policy,
} from "./policy.ts";
import { withUsualNames } from "./usual_names.ts";
import { checkWeights, openWeights, type Weights } from "./weights.ts";

/** What of a model is trained. */
export type Tuning =
  | { readonly kind: "full" }
  | {
    readonly kind: "lora";
    readonly rank: number;
    readonly alpha: number;
    readonly targets: "all-linear" | readonly string[];
    /** Draws A's first values, in [0, 1). */
    readonly uniform: () => number;
  }
  | { readonly kind: "adapter"; readonly folder: string };

export interface LoadedPolicy {
  readonly policy: Policy;
  readonly weights: Weights;
  /** The adapters' shape; null where all parameters are trained. */
  readonly lora: Lora | null;
  /** SHA-256 of the adapter that training starts from, if it starts from one. */
  readonly adapterHash: string | null;
}

/**
 * Loads a model folder to be trained.
 *
 * @throws Error for a folder, weight or adapter that is missing, unsupported,
 * of the wrong shape or not finite.
 */
export async function loadPolicy(
  folder: string,
  tuning: Tuning,
): Promise<LoadedPolicy> {
  const config = await readConfig(folder);
  const weights = withUsualNames(config, await openWeights(folder));
  checkWeights(config, weights);
  if (tuning.kind === "full") {
    const policy = fullPolicy(config, await readAll(config, weights));
    return { policy, weights, lora: null, adapterHash: null };
  }
  const lora = tuning.kind === "adapter"
    ? await loadedLora(config, tuning.folder)
    : freshLora(config, tuning);
  const adapterHash = tuning.kind === "adapter"
    ? hashArrays(lora.initial)
    : null;
  await weights.assertFinite();
  return {
    policy: loraPolicy(config, weights, lora),
    weights,
    lora,
    adapterHash,
  };
}

/** The adapter of trained values, as a folder holds it. */
export function adapterOf(
  { rank, alpha, targets }: Lora,
  values: ReadonlyMap<string, Float32Array>,
): Adapter {
  const modules = new Set(targets.map((name) => name.split(".").at(-2)!));
  return {
    rank,
    alpha,
    targets: [...modules],
    tensors: new Map(targets.map((name) => [name, {
      a: values.get(`${name}.lora_A`)!,
      b: values.get(`${name}.lora_B`)!,
    }])),
  };
}

function freshLora(
  config: DecoderConfig,
  { rank, alpha, targets, uniform }: Extract<Tuning, { kind: "lora" }>,
): Lora {
  const names = resolveTargets(config, targets);
  const parameters = loraParameters(config, names, rank);
  const initial = initialLora(parameters, uniform);
  return { rank, alpha, targets: names, initial };
}

async function loadedLora(
  config: DecoderConfig,
  folder: string,
): Promise<Lora> {
  const adapter = await readAdapter(folder);
  checkAdapter(config, adapter);
  const { rank, alpha, tensors } = adapter;
  const initial = [...tensors].flatMap(([name, { a, b }]) =>
    [
      [`${name}.lora_A`, Float32Array.from(a)],
      [`${name}.lora_B`, Float32Array.from(b)],
    ] as const
  );
  // Forward order, whatever the file's.
  const targets = parameterNames(config).map(({ name }) => name)
    .filter((name) => tensors.has(name));
  return { rank, alpha, targets, initial: new Map(initial) };
}

async function readAll(
  config: DecoderConfig,
  weights: Weights,
): Promise<Map<string, Float32Array<ArrayBuffer>>> {
  const values = new Map<string, Float32Array<ArrayBuffer>>();
  for (const { name } of parameterNames(config)) {
    values.set(name, Float32Array.from(await weights.read(name)));
  }
  return values;
}

function hashArrays(values: ReadonlyMap<string, Float32Array>): string {
  const hash = createHash("sha256");
  for (const [name, data] of values) {
    hash.update(name);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex");
}
