import { type ConfigReader, openConfig } from "../config_json/config_reader.ts";
import type { LoraScaling, Pattern } from "./lora_targets.ts";
import { MAX_EXPRESSIONS, moduleMatcher } from "./module_pattern.ts";

/** The settings of an adapter in adapter_config.json. */
export interface AdapterConfig extends Required<LoraScaling> {
  /** Modules that the adapter replaces: names, or their last parts. */
  readonly replaced: readonly string[];
  /** Whether updates of a tied embedding are the head's as well. */
  readonly tied: boolean;
  /** Whether the norm of each output's weights is stored apart. */
  readonly dora: boolean;
  /** The contents of the file. */
  readonly config: Readonly<Record<string, unknown>>;
}

/**
 * Fields that do not change the adapter's computation, or that are read here. The
 * names of tensors show which modules have an update.
 */
const READ_OR_HARMLESS: ReadonlySet<string> = new Set([
  "alpha_pattern",
  "auto_mapping",
  "base_model_name_or_path",
  "bias",
  "corda_config",
  "ensure_weight_tying",
  "eva_config",
  "exclude_modules",
  // PEFT derives it from the layers.
  "fan_in_fan_out",
  "inference_mode",
  "init_lora_weights",
  "layers_pattern",
  "layers_to_transform",
  "loftq_config",
  "lora_alpha",
  "lora_dropout",
  "lora_ga_config",
  "megatron_config",
  "megatron_core",
  "modules_to_save",
  "peft_type",
  "peft_version",
  "qalora_group_size",
  "r",
  "rank_pattern",
  "revision",
  "runtime_config",
  "target_modules",
  "task_type",
  "use_dora",
  "use_rslora",
  "velora_config",
]);

/** More than any model has linear layers. */
const MAX_NAMES = 10_000;

/** Initializations that leave the base weights unchanged; PiSSA's does not. */
const GENTLE_STARTS = ["gaussian", "eva", "orthogonal"];

/** Fields that every PEFT since 0.8 knows; older ones refuse newer fields. */
const PLAIN_LORA = {
  "auto_mapping": null,
  "bias": "none",
  "inference_mode": true,
  "init_lora_weights": true,
  "layers_pattern": null,
  "layers_to_transform": null,
  "lora_dropout": 0,
  "peft_type": "LORA",
  "task_type": "CAUSAL_LM",
  "use_dora": false,
};

/**
 * Reads the adapter_config.json of a LoRA adapter.
 *
 * @throws Error that names file and field: missing, of a wrong type, unsupported,
 * or unknown, as it may belong to a kind of adapter that is not supported.
 */
export async function readAdapterConfig(path: string): Promise<AdapterConfig> {
  const fields = await openConfig(path);
  refuseUnsupported(fields);
  return {
    rank: fields.count("r"),
    alpha: fields.positive("lora_alpha"),
    rslora: fields.flag("use_rslora", false),
    rankPattern: readPattern(fields, "rank_pattern", "count"),
    alphaPattern: readPattern(fields, "alpha_pattern", "positive"),
    replaced: readNames(fields, "modules_to_save"),
    tied: fields.flag("ensure_weight_tying", false),
    dora: fields.flag("use_dora", false),
    config: fields.values,
  };
}

/** Makes the fields of adapter_config.json. */
export function adapterFields(
  { rank, alpha, rslora, rankPattern, alphaPattern }: LoraScaling,
  { baseModel, revision = null, fanInFanOut, targets, replaced }: {
    baseModel: string;
    revision?: string | null;
    fanInFanOut: boolean;
    targets: readonly string[];
    replaced: readonly string[];
  },
): Record<string, unknown> {
  return {
    ...PLAIN_LORA,
    "alpha_pattern": alphaPattern,
    "base_model_name_or_path": baseModel,
    "fan_in_fan_out": fanInFanOut,
    "lora_alpha": alpha,
    "modules_to_save": replaced.length > 0 ? replaced : null,
    "r": rank,
    "rank_pattern": rankPattern,
    "revision": revision,
    "target_modules": targets,
    "use_rslora": rslora,
  };
}

function refuseUnsupported(fields: ConfigReader): void {
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
  for (const [name, value] of Object.entries(fields.values)) {
    if (READ_OR_HARMLESS.has(name) || isEmpty(value)) continue;
    throw fields.error(name, "none: it is not supported");
  }
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object"
    ? Object.keys(value ?? {}).length === 0
    : value === false;
}

function readPattern(
  fields: ConfigReader,
  name: string,
  read: "count" | "positive",
): Pattern {
  const pattern = fields.object(name);
  if (!pattern) return {};
  const keys = Object.keys(pattern.values);
  if (keys.length > MAX_NAMES || !areReadable(keys)) {
    throw fields.error(
      name,
      `at most ${MAX_NAMES} names of modules, or ${MAX_EXPRESSIONS} regular ` +
        `expressions that repeat no group`,
    );
  }
  return Object.fromEntries(keys.map((key) => [key, pattern[read](key)]));
}

function areReadable(patterns: readonly string[]): boolean {
  const matchers = patterns.map(moduleMatcher);
  const expressions = matchers.filter((one) => one?.kind === "expression");
  return !matchers.includes(null) && expressions.length <= MAX_EXPRESSIONS;
}

function readNames(fields: ConfigReader, name: string): string[] {
  const value = fields.values[name] ?? [];
  const isList = Array.isArray(value) && value.length <= MAX_NAMES &&
    value.every((one) => typeof one === "string");
  if (isList) return value;
  throw fields.error(name, `a list of at most ${MAX_NAMES} names`);
}
