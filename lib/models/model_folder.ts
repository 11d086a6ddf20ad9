import { basename, join } from "node:path";
import {
  additionalTemplates,
  TEMPLATES,
} from "../files/additional_templates.ts";
import { writeFolder, type Writer } from "../files/atomic.ts";
import { readText } from "../files/read_json.ts";
import { reasonOf } from "../files/values.ts";
import { realFile } from "../files/real_file.ts";
import { architectureOf, type DecoderConfig } from "./config.ts";
import { openConfig, writeJson } from "./config_json/config_reader.ts";
import { editJson } from "./config_json/edit_json.ts";
import { readConfig } from "./read_config.ts";
import type { FloatDtype } from "./weights/encode_floats.ts";
import {
  type TensorSource,
  writeTensors,
} from "./weights/write_safetensors.ts";
import { ELEMENT_BYTES, elementCount } from "./weights/safetensors_header.ts";

/** Files that a model may have besides its weights. */
const COPIED = [
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "tokenizer.model",
  "vocab.json",
  "merges.txt",
  "chat_template.jinja",
  "chat_template.json",
];

/** Element types by their names in config.json. */
export const MODEL_DTYPES = ["float32", "bfloat16", "float16"] as const;
export type ModelDtype = typeof MODEL_DTYPES[number];

/** Their names in safetensors files. */
export const STORED: Readonly<Record<ModelDtype, FloatDtype>> = {
  float32: "F32",
  bfloat16: "BF16",
  float16: "F16",
};

export interface ModelFolder {
  /** The folder from which configuration and tokenizer are copied. */
  readonly from: string;
  /** Every parameter. */
  readonly tensors: readonly TensorSource[];
  /** The type that weights are rounded to. @default "float32" */
  readonly dtype?: ModelDtype;
  /** Most bytes of a file, unless one tensor has more. @default Infinity */
  readonly shardBytes?: number;
  /** Other files, by name. @default none */
  readonly others?: ReadonlyMap<string, Writer>;
}

/**
 * Writes a Hugging Face model folder, all at once and tensor by tensor:
 * configuration and tokenizer of another folder, with new weights in one file
 * or in shards.
 *
 * @param out a new or empty folder, or one that an earlier call wrote.
 * @throws Error that names the file that cannot be read, the tensor that cannot
 * be written, or the other file in `out` that would be lost; `out` stays as it
 * was.
 */
export async function writeModelFolder(
  out: string,
  {
    from,
    tensors,
    dtype = "float32",
    shardBytes = Infinity,
    others = new Map(),
  }: ModelFolder,
): Promise<void> {
  const stored = STORED[dtype];
  const { fields } = await writtenConfig(from, tensors);
  const shards = splitShards(tensors, { dtype: stored, shardBytes });
  await writeFolder(
    out,
    new Map([
      ...await companions(from, { ...fields, "torch_dtype": dtype }),
      ...shards.map(({ file, tensors }) =>
        [
          file,
          (path: string) => writeTensors(path, tensors, { dtype: stored }),
        ] as const
      ),
      ...indexOf(shards, stored),
      ...others,
    ]),
  );
}

/**
 * Makes the writers of the files beside a model's weights, by name: the
 * configuration with some fields changed, the others as in `from`.
 */
export async function companions(
  from: string,
  fields: Readonly<Record<string, unknown>>,
): Promise<Map<string, Writer>> {
  const { path } = await openConfig(join(from, "config.json"));
  const config = editJson(await readText(path), {
    // Under either name it would make loaders round the weights.
    "torch_dtype": undefined,
    "dtype": undefined,
    ...fields,
  });
  const files = new Map<string, Writer>([
    ["config.json", (path) => Deno.writeTextFile(path, config)],
  ]);
  for await (const { name } of Deno.readDir(from)) {
    if (!COPIED.includes(name)) continue;
    files.set(name, await copyOf(join(from, name)));
  }
  const templates = await additionalTemplates(from);
  if (templates.length > 0) {
    files.set(TEMPLATES, (path) => copyTemplates(from, templates, path));
  }
  return files;
}

async function copyTemplates(
  from: string,
  templates: readonly string[],
  to: string,
): Promise<void> {
  await Deno.mkdir(to);
  for (const template of templates) {
    await Deno.copyFile(join(from, template), join(to, basename(template)));
  }
}

/** Makes the writer that copies a file, and checks that it can. */
async function copyOf(path: string): Promise<Writer> {
  try {
    const file = await realFile(path);
    return (to) => Deno.copyFile(file, to);
  } catch (cause) {
    throw new Error(`Cannot copy ${path}: ${reasonOf(cause)}`, { cause });
  }
}

/**
 * The configuration of a model with these tensors, and the fields of config.json
 * that change: a head that was the embedding and is now among the tensors has
 * values of its own from an adapter.
 */
export async function writtenConfig(
  from: string,
  tensors: readonly Pick<TensorSource, "name">[],
): Promise<{ config: DecoderConfig; fields: Record<string, unknown> }> {
  const config = await readConfig(from);
  const head = `${architectureOf(config).names.head}.weight`;
  const tiedHead = !tensors.some(({ name }) => name === head);
  if (tiedHead === config.tiedHead) return { config, fields: {} };
  return {
    config: { ...config, tiedHead },
    fields: { "tie_word_embeddings": tiedHead },
  };
}

function indexOf(
  shards: readonly Shard[],
  dtype: FloatDtype,
): [string, Writer][] {
  if (shards.length === 1) return [];
  const index = shardIndex(shards, dtype);
  return [["model.safetensors.index.json", (path) => writeJson(path, index)]];
}

/** One file of a model's weights. */
export interface Shard {
  readonly file: string;
  readonly tensors: readonly TensorSource[];
}

/**
 * Divides tensors over files in the order of their names. A file takes as many as
 * fit, and a tensor that is too large has one of its own. Files are named as by
 * `huggingface_hub`'s `split_state_dict_into_shards_factory`.
 */
export function splitShards(
  tensors: readonly TensorSource[],
  { dtype, shardBytes }: { dtype: FloatDtype; shardBytes: number },
): Shard[] {
  const parts: TensorSource[][] = [[]];
  let bytes = 0;
  for (const tensor of tensors.toSorted((a, b) => a.name < b.name ? -1 : 1)) {
    const more = elementCount(tensor.shape) * ELEMENT_BYTES[dtype];
    if (bytes > 0 && bytes + more > shardBytes) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)!.push(tensor);
    bytes += more;
  }
  if (parts.length === 1) return [{ file: "model.safetensors", tensors }];
  const digits = (n: number) => String(n).padStart(5, "0");
  return parts.map((tensors, i) => ({
    file: `model-${digits(i + 1)}-of-${digits(parts.length)}.safetensors`,
    tensors,
  }));
}

/** Makes the contents of `model.safetensors.index.json`. */
export function shardIndex(shards: readonly Shard[], dtype: FloatDtype) {
  const tensors = shards.flatMap(({ tensors }) => tensors);
  const parameters = tensors.reduce(
    (n, { shape }) => n + elementCount(shape),
    0,
  );
  const map = shards.flatMap(({ file, tensors }) =>
    tensors.map(({ name }) => [name, file] as const)
  );
  return {
    "metadata": {
      "total_parameters": parameters,
      "total_size": parameters * ELEMENT_BYTES[dtype],
    },
    "weight_map": Object.fromEntries(map),
  };
}
