import { join } from "node:path";
import { openModel } from "../open_model.ts";
import { ConfigReader, writeJson } from "../config_json/config_reader.ts";
import { GGUF_TYPES, type GgufType } from "../registry.ts";
import type { ConfigFields } from "../family.ts";
import {
  ELEMENT_BYTES,
  elementCount,
  encodeHeader,
} from "../weights/safetensors_header.ts";
import {
  type Conversion,
  convertedBytes,
  convertedShape,
} from "./convert_tensor.ts";
import type { GgufFile, GgufTensor } from "./gguf_file.ts";
import type { Metadata } from "./metadata.ts";
import { tensorMapping } from "./tensor_mapping.ts";
import { type TokenizerFiles, tokenizerFiles } from "./tokenizer.ts";

/** The contents of a Hugging Face folder, from a GGUF file. */
export interface ConvertedModel {
  readonly gguf: GgufFile;
  readonly config: ConfigFields;
  readonly tokenizer: TokenizerFiles;
  readonly weights: readonly Conversion[];
}

/** Called as weights are written, with the bytes so far and in all. */
export type OnBytes = (bytes: number, total: number) => void;

/** Tensors of older files that every model computes again. */
const RECOMPUTED = /^blk\.\d+\.attn_rot_embd\.weight$/;

/** A thousand times the rotary pairs of any head. */
const MAX_FACTORS = 1 << 20;

/** Fields that transformers refuses if they are spelled 30, without a point. */
const CAPS = /("\w+_softcapping": \d+)(?=,?$)/gm;

/** config.json's names of types. */
const DTYPES = { F32: "float32", F16: "float16", BF16: "bfloat16" } as const;

/**
 * Converts a GGUF file to the contents of a Hugging Face folder. Quantized
 * weights become float32, others keep their types.
 *
 * @throws Error that names the file and its field or tensor that is missing,
 * wrong or unsupported.
 */
export function convertGguf(gguf: GgufFile): ConvertedModel {
  const { path, metadata, tensors } = gguf;
  metadata.only("general.type", ["model"]);
  metadata.only("split.count", [0, 1]);
  const { name, architecture, read, gguf: mapping } = typeOf(metadata);
  const embedding = embeddingOf(gguf);
  const fields = metadata.under(`${architecture}.`);
  const vocabularySize = embedding.shape[0]!;
  const tokenizer = convertTokenizer(gguf);
  const rest = new Map(tensors);
  const factors = (tensor: string) => {
    rest.delete(tensor);
    return readFactors(gguf, tensor);
  };
  const config = {
    "architectures": [mapping.transformersClass],
    "model_type": name,
    ...mapping.config({ fields, tensors, vocabularySize, factors }),
    ...tokenizer.ids,
    "torch_dtype": DTYPES[embedding.format.dtype],
  };
  const decoder = read(new ConfigReader(`config.json of ${path}`, config));
  const conversionOf = tensorMapping(decoder, mapping);
  const weights = [...rest.values()]
    .filter(({ name }) => !RECOMPUTED.test(name))
    .map((tensor) => {
      const conversion = conversionOf(tensor);
      if (conversion) return conversion;
      throw new Error(
        `Cannot read ${path}: tensor "${tensor.name}" ` +
          `has no place in "${architecture}"`,
      );
    });
  return { gguf, tokenizer, config, weights };
}

/**
 * Converts the tokenizer and chat template of a GGUF file.
 *
 * @throws Error as {@linkcode convertGguf}.
 */
export function convertTokenizer(gguf: GgufFile): TokenizerFiles {
  return tokenizerFiles(gguf.metadata, embeddingOf(gguf).shape[0]!);
}

function embeddingOf({ path, tensors }: GgufFile): GgufTensor {
  const embedding = tensors.get("token_embd.weight");
  if (embedding) return embedding;
  throw new Error(`Cannot read ${path}: no tensor "token_embd.weight"`);
}

function typeOf(metadata: Metadata): GgufType & { architecture: string } {
  const architecture = metadata.text("general.architecture");
  const type = GGUF_TYPES.get(architecture);
  if (type) return { ...type, architecture };
  const names = [...GGUF_TYPES.keys()].join(", ");
  throw metadata.error("general.architecture", `one of ${names}`);
}

/**
 * Writes the folder of a model, and opens it again to check it.
 *
 * @param folder an empty folder.
 * @throws Error that names what does not fit together.
 */
export async function writeConverted(
  folder: string,
  model: ConvertedModel,
  onBytes: OnBytes = () => {},
): Promise<void> {
  const { config, tokenizer } = model;
  await writeTokenizer(folder, tokenizer);
  await writeJson(join(folder, "generation_config.json"), tokenizer.ids);
  const text = JSON.stringify(config, null, 2) + "\n";
  await Deno.writeTextFile(
    join(folder, "config.json"),
    text.replace(CAPS, "$1.0"),
  );
  await Deno.writeFile(
    join(folder, "model.safetensors"),
    ReadableStream.from(weightBytes(model, onBytes)),
  );
  await openModel(folder);
}

/** Writes the files of a tokenizer into a folder. */
export async function writeTokenizer(
  folder: string,
  { files }: TokenizerFiles,
): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    // Indented, a large vocabulary would be twice as large.
    await Deno.writeTextFile(join(folder, name), JSON.stringify(content));
  }
}

/** Yields a safetensors file, its tensors sorted by name as in `writeTensors`. */
function* weightBytes(
  { gguf, weights }: ConvertedModel,
  onBytes: OnBytes,
): Generator<Uint8Array> {
  using file = Deno.openSync(gguf.path);
  const sorted = weights.toSorted((a, b) => a.name < b.name ? -1 : 1);
  const entries = sorted.map((conversion) => ({
    name: conversion.name,
    dtype: conversion.tensor.format.dtype,
    shape: convertedShape(conversion),
  }));
  yield encodeHeader(entries, { format: "pt" });
  const total = entries.reduce(
    (sum, { dtype, shape }) => sum + elementCount(shape) * ELEMENT_BYTES[dtype],
    0,
  );
  let bytes = 0;
  onBytes(bytes, total);
  for (const conversion of sorted) {
    for (const chunk of convertedBytes(file, conversion)) {
      yield chunk;
      bytes += chunk.length;
      onBytes(bytes, total);
    }
  }
}

/** Reads a tensor whose numbers go into config.json. */
function readFactors(
  { path, tensors }: GgufFile,
  name: string,
): Float32Array | null {
  const tensor = tensors.get(name);
  if (!tensor) return null;
  const { format, shape } = tensor;
  if (format.name !== "F32" || elementCount(shape) > MAX_FACTORS) {
    throw new Error(
      `Cannot read ${path}: tensor "${name}" is ${format.name} [${shape}], ` +
        `expected F32 with a number for each rotary pair`,
    );
  }
  using file = Deno.openSync(path);
  const conversion = { name, tensor, arrangement: {}, headDim: 1 };
  const [bytes] = convertedBytes(file, conversion);
  return new Float32Array(bytes!.slice().buffer);
}
