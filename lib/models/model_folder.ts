import { join } from "node:path";
import { writeFolder, type Writer } from "../atomic_folder.ts";
import { readJsonFields, writeJson } from "./json_fields.ts";
import { writeSafetensors } from "./safetensors.ts";
import type { NamedTensor } from "./safetensors_header.ts";

/** Files that belong to a model beside its weights, where it has them. */
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

/**
 * Writes a Hugging Face model folder, all at once: configuration and tokenizer
 * of another folder, with new weights in float32.
 *
 * @param out a new or empty folder, or one that such a call wrote before.
 * @param model `from`: the folder to copy from; `tensors`: every parameter.
 * @throws Error that names the file that cannot be read, or the other file in
 * `out` that would be lost; `out` is as it was then.
 */
export async function writeModelFolder(
  out: string,
  { from, tensors }: { from: string; tensors: readonly NamedTensor[] },
): Promise<void> {
  const config = await readJsonFields(join(from, "config.json"));
  const files = new Map<string, Writer>([
    ["config.json", (path) => writeJson(path, asFloat32(config.values))],
    ["model.safetensors", (path) => writeSafetensors(path, tensors)],
  ]);
  for await (const { name } of Deno.readDir(from)) {
    if (!COPIED.includes(name)) continue;
    files.set(name, (path) => Deno.copyFile(join(from, name), path));
  }
  await writeFolder(out, files);
}

/** The configuration's element type would make loaders round what we write. */
function asFloat32(
  config: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const { torch_dtype: _old, dtype: _new, ...rest } = config;
  return { ...rest, "torch_dtype": "float32" };
}
