import { join } from "node:path";
import { writeFolder } from "../atomic_folder.ts";
import { type DecoderConfig, linearParameters } from "./config.ts";
import { type JsonFields, readJsonFields, writeJson } from "./json_fields.ts";
import {
  readHeader,
  readTensor,
  type SafetensorsFile,
  writeSafetensors,
} from "./safetensors.ts";
import type { NamedTensor } from "./safetensors_header.ts";
import { assertFinite } from "./weights.ts";

/** The factors of one weight's update, `alpha/rank · b·a`, row by row. */
export interface LoraPair {
  /** `[rank, inputs]` */
  readonly a: Float32Array;
  /** `[outputs, rank]` */
  readonly b: Float32Array;
}

/** A LoRA adapter. */
export interface Adapter {
  readonly rank: number;
  readonly alpha: number;
  /** Names of the modules it changes, such as `q_proj`. */
  readonly targets: readonly string[];
  /** Name of a base weight → the factors of its update. */
  readonly tensors: ReadonlyMap<string, LoraPair>;
}

const CONFIG = "adapter_config.json";
const WEIGHTS = "adapter_model.safetensors";
const TENSOR = /^base_model\.model\.(.+)\.lora_[AB]\.weight$/;

/** Fields that change the mathematics of an adapter, unless empty or false. */
const REFUSED = [
  "alora_invocation_tokens",
  "alpha_pattern",
  "arrow_config",
  "fan_in_fan_out",
  "kasa_config",
  "layer_replication",
  "lora_bias",
  "modules_to_save",
  "monteclora_config",
  "rank_pattern",
  "target_parameters",
  "trainable_token_indices",
  "use_bdlora",
  "use_dora",
  "use_qalora",
  "use_rslora",
];

/** Initializations that leave the base weights as they are; PiSSA's does not. */
const GENTLE_STARTS = ["gaussian", "eva", "orthogonal"];

/** The fields every PEFT since 0.8 knows; older ones refuse newer fields. */
const PLAIN_LORA = {
  "alpha_pattern": {},
  "auto_mapping": null,
  "bias": "none",
  "fan_in_fan_out": false,
  "inference_mode": true,
  "init_lora_weights": true,
  "layers_pattern": null,
  "layers_to_transform": null,
  "lora_dropout": 0,
  "modules_to_save": null,
  "peft_type": "LORA",
  "rank_pattern": {},
  "revision": null,
  "task_type": "CAUSAL_LM",
  "use_dora": false,
  "use_rslora": false,
};

/**
 * Reads a LoRA adapter in PEFT's layout.
 *
 * @returns the adapter, and all that its adapter_config.json says.
 * @throws Error that names file and field or tensor: missing, unsupported, of
 * the wrong shape, or not finite.
 */
export async function readAdapter(
  folder: string,
): Promise<Adapter & { config: Readonly<Record<string, unknown>> }> {
  const fields = await readJsonFields(join(folder, CONFIG));
  refuseUnsupported(fields);
  const rank = fields.count("r");
  const alpha = fields.positive("lora_alpha");
  const file = await readHeader(join(folder, WEIGHTS));
  const tensors = new Map<string, LoraPair>();
  for (const module of modulesOf(file)) {
    const pair = await readPair(file, { module, rank });
    tensors.set(`${module}.weight`, pair);
  }
  const leaves = tensors.keys().map((name) => name.split(".").at(-2)!);
  const targets = [...new Set(leaves)];
  return { rank, alpha, targets, tensors, config: fields.values };
}

/**
 * Writes a LoRA adapter in PEFT's layout, all at once.
 *
 * @param folder a new or empty folder, or an adapter's, which is replaced.
 * @param options `baseModel`: the id or folder of the model it belongs to.
 * @throws Error that names the folder, which is as it was then.
 */
export async function writeAdapter(
  folder: string,
  { rank, alpha, targets, tensors }: Adapter,
  { baseModel }: { baseModel: string },
): Promise<void> {
  const config = {
    ...PLAIN_LORA,
    "base_model_name_or_path": baseModel,
    "lora_alpha": alpha,
    "r": rank,
    "target_modules": targets,
  };
  const stored = [...tensors].flatMap(([name, pair]) =>
    storedPair(name, { pair, rank })
  );
  await writeFolder(
    folder,
    new Map([
      [CONFIG, (path) => writeJson(path, config)],
      [WEIGHTS, (path) => writeSafetensors(path, stored)],
    ]),
  );
}

/**
 * Finds the base weights that an adapter shall change, in forward order.
 *
 * @param targets module names (`q_proj`, or more of the path), or `all-linear`:
 * every linear layer but the head, as PEFT has it.
 * @throws RangeError for a name that no module has.
 */
export function resolveTargets(
  config: DecoderConfig,
  targets: "all-linear" | readonly string[],
): string[] {
  const linear = linearParameters(config).map(({ name }) => name);
  if (targets === "all-linear") return linear;
  const matches = (name: string, target: string) =>
    `.${name}`.endsWith(`.${target}.weight`);
  const unknown = targets.find((target) =>
    !linear.some((name) => matches(name, target))
  );
  if (unknown !== undefined) {
    const known = new Set(linear.map((name) => name.split(".").at(-2)));
    throw new RangeError(
      `Unknown LoRA target "${unknown}": expected all-linear or some of ` +
        [...known].join(", "),
    );
  }
  return linear.filter((name) => targets.some((t) => matches(name, t)));
}

/**
 * Checks that an adapter fits the model it is to change.
 *
 * @throws Error that names the weight, and the shapes expected and found.
 */
export function checkAdapter(
  config: DecoderConfig,
  { rank, tensors }: Adapter,
): void {
  const base = new Map(
    linearParameters(config).map(({ name, shape }) => [name, shape]),
  );
  for (const [name, { a, b }] of tensors) {
    const shape = base.get(name);
    const found = [b.length / rank, a.length / rank];
    if (shape?.join() === found.join()) continue;
    throw new Error(
      `The adapter does not fit the model: it changes "${name}" of shape ` +
        `[${found}] (A [${rank},${found[1]}], B [${found[0]},${rank}]), ` +
        `the model has ${shape ? `[${shape}]` : "no such weight"}`,
    );
  }
}

function refuseUnsupported(fields: JsonFields): void {
  if (fields.text("peft_type") !== "LORA") {
    throw fields.error("peft_type", '"LORA"');
  }
  if (fields.text("bias", "none") !== "none") {
    throw fields.error("bias", '"none"');
  }
  const start = fields.values["init_lora_weights"] ?? true;
  if (typeof start === "string" && !GENTLE_STARTS.includes(start)) {
    throw fields.error("init_lora_weights", GENTLE_STARTS.join(", "));
  }
  for (const name of REFUSED) {
    if (isEmpty(fields.values[name])) continue;
    throw fields.error(name, "none: it is not supported");
  }
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object"
    ? Object.keys(value ?? {}).length === 0
    : value === undefined || value === false;
}

function modulesOf(file: SafetensorsFile): Set<string> {
  return new Set(
    file.tensors.keys().map((name) => {
      const [, module] = name.match(TENSOR) ?? [];
      if (module !== undefined) return module;
      throw new Error(
        `Unknown tensor "${name}" in ${file.path}: expected names such as ` +
          `${tensorName("model.layers.0.self_attn.q_proj", "A")}`,
      );
    }),
  );
}

async function readPair(
  file: SafetensorsFile,
  { module, rank }: { module: string; rank: number },
): Promise<LoraPair> {
  const [a, b] = [tensorName(module, "A"), tensorName(module, "B")];
  const read = async (name: string, axis: number) => {
    const data = await readTensor(file, name);
    const shape = file.tensors.get(name)?.shape ?? [];
    if (shape.length !== 2 || shape[axis] !== rank) {
      throw new Error(
        `Tensor "${name}" of ${file.path} has shape [${shape}], ` +
          `expected rank ${rank} on axis ${axis} of two`,
      );
    }
    assertFinite(name, data, file.path);
    return data;
  };
  return { a: await read(a, 0), b: await read(b, 1) };
}

function storedPair(
  weight: string,
  { pair: { a, b }, rank }: { pair: LoraPair; rank: number },
): NamedTensor[] {
  const module = weight.replace(/\.weight$/, "");
  return [
    { name: tensorName(module, "A"), shape: [rank, a.length / rank], data: a },
    { name: tensorName(module, "B"), shape: [b.length / rank, rank], data: b },
  ];
}

function tensorName(module: string, factor: "A" | "B"): string {
  return `base_model.model.${module}.lora_${factor}.weight`;
}
