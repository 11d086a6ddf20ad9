import { basename, join } from "node:path";
import { additionalTemplates } from "../../files/additional_templates.ts";
import { writeFolder, type Writer } from "../../files/atomic.ts";
import { type AnyOp, Graph } from "../../onnx/graph/graph.ts";
import { lower } from "../../onnx/lower.ts";
import { encodeModel } from "../../onnx/proto.ts";
import { renameFiles, renameValues } from "../../onnx/rename.ts";
import { orNull } from "../../files/missing.ts";
import { reasonOf } from "../../files/values.ts";
import { readText } from "../../files/read_json.ts";
import { openConfig } from "../config_json/config_reader.ts";
import { editJson } from "../config_json/edit_json.ts";
import type { DecoderConfig } from "../config.ts";
import { inferenceDecoder } from "./inference_decoder.ts";
import {
  companions,
  type ModelDtype,
  type ModelFolder,
  STORED,
  writtenConfig,
} from "../model_folder.ts";
import { type Lora, loraPolicy } from "../policy.ts";
import {
  type TensorSource,
  writeTensors,
} from "../weights/write_safetensors.ts";
import { openWeights, type Weights } from "../weights/weights.ts";

/** Names of models in transformers.js, by the element type of their weights. */
const FLAVOURS: ReadonlyMap<ModelDtype, { dtype: string; file: string }> =
  new Map([
    ["float32", { dtype: "fp32", file: "model.onnx" }],
    ["float16", { dtype: "fp16", file: "model_fp16.onnx" }],
  ]);

export type OnnxFolder = Omit<ModelFolder, "shardBytes">;

/**
 * Writes a folder from which transformers.js and onnxruntime generate text:
 * `onnx/model.onnx`, the {@linkcode inferenceDecoder} in standard operators, its
 * weights beside it, and configuration and tokenizer of another folder. Weights
 * may be in half precision, arithmetic is in float32.
 *
 * @param out a new or empty folder, or one that an earlier call wrote.
 * @throws Error as `writeModelFolder` does, or if the decoder has an operator that
 * is not standard.
 */
export async function writeOnnxFolder(
  out: string,
  { from, tensors, dtype = "float32", others = new Map() }: OnnxFolder,
): Promise<void> {
  const { file, ...flavour } = flavourOf(dtype);
  const { config, fields } = await writtenConfig(from, tensors);
  const settings = {
    ...flavour,
    "use_external_data_format": { [file]: 1 },
  };
  const changes = { "torch_dtype": dtype, "transformers.js_config": settings };
  const model = { config, tensors, dtype, file };
  await writeFolder(
    out,
    new Map([
      ...await companions(from, { ...fields, ...changes }),
      ...await templateInside(from),
      ["onnx", (path) => writeOnnx(path, model)],
      ...others,
    ]),
  );
}

interface OnnxModel {
  readonly config: DecoderConfig;
  readonly tensors: readonly TensorSource[];
  readonly dtype: ModelDtype;
  readonly file: string;
}

/**
 * Writes the graph and its weights. ONNX reads external data as named arrays at
 * offsets in a file, so a model's safetensors file serves under another name.
 */
async function writeOnnx(
  folder: string,
  { config, tensors, dtype, file }: OnnxModel,
): Promise<void> {
  await Deno.mkdir(folder);
  const stored = join(folder, "model.safetensors");
  await writeTensors(stored, tensors, { dtype: STORED[dtype] });
  const data = `${file}_data`;
  const model = encodeDecoder(config, await openWeights(folder), data);
  await Deno.writeFile(join(folder, file), model);
  await Deno.rename(stored, join(folder, data));
}

/** transformers.js reads a chat template from tokenizer_config.json alone. */
async function templateInside(from: string): Promise<Map<string, Writer>> {
  const template = await readIfThere(join(from, "chat_template.jinja"));
  const named = await additionalTemplates(from);
  if (template === null && named.length === 0) return new Map();
  const name = "tokenizer_config.json";
  const { path } = await openConfig(join(from, name));
  const others = named.map(async (file) => ({
    name: basename(file, ".jinja"),
    template: await readText(join(from, file)),
  }));
  const all = [
    ...template === null ? [] : [{ name: "default", template }],
    ...await Promise.all(others),
  ];
  const fields = { "chat_template": named.length === 0 ? template : all };
  const config = editJson(await readText(path), fields);
  return new Map([[name, (path) => Deno.writeTextFile(path, config)]]);
}

async function readIfThere(path: string): Promise<string | null> {
  return await orNull(readText(path)).catch((cause) => {
    throw new Error(`Cannot read ${path}: ${reasonOf(cause)}`, { cause });
  });
}

function flavourOf(dtype: ModelDtype) {
  const flavour = FLAVOURS.get(dtype);
  if (flavour) return flavour;
  const known = [...FLAVOURS.keys()].join(" or ");
  throw new RangeError(
    `Cannot write the model as ONNX in ${dtype}: expected ${known}, which ` +
      `transformers.js knows`,
  );
}

const NO_ADAPTERS: Lora = {
  rank: 1,
  alpha: 1,
  targets: [],
  replaced: [],
  initial: new Map(),
};

/** Encodes a model whose weights are in the file `data` beside it. */
function encodeDecoder(
  config: DecoderConfig,
  weights: Weights,
  data: string,
): Uint8Array {
  const source = new Graph();
  const { parameters } = loraPolicy(config, weights, NO_ADAPTERS);
  const results = inferenceDecoder(source, config, parameters(source));
  const { graph, outputs } = lower(Object.values(results), isStandard);
  refuseStray(graph);
  const named = Object.keys(results).map((name, i) => ({
    ...outputs[i]!,
    name,
  }));
  renameValues(
    graph,
    new Map([
      ...outputs.map(({ name }, i) => [name, named[i]!.name] as const),
      ...weightNames(graph, weights),
    ]),
  );
  renameFiles(graph, () => data);
  return encodeModel(graph, named);
}

/** Operators of onnxruntime that are composed of others here. */
const LOWERED = new Set([
  // It is not an operator of ONNX.
  "SimplifiedLayerNormalization",
  // WebGPU has them to 2⁻¹¹ only; see PROVIDERS in lib/onnx/providers.ts.
  "Sin",
  "Cos",
]);

/** Whether an operator is one of ONNX itself, which any runtime has. */
function isStandard({ name, domain = "" }: AnyOp): boolean {
  return domain === "" && !LOWERED.has(name);
}

function refuseStray(graph: Graph): void {
  const stray = graph.nodes.find(({ op }) => !isStandard(op));
  if (!stray) return;
  throw new Error(
    `Cannot write the model as ONNX: its decoder needs ${stray.op.name}, ` +
      `which is not a standard operator`,
  );
}

/** Pairs the graph's names of stored weights with those in the model. */
function weightNames(graph: Graph, weights: Weights): [string, string][] {
  const names = new Map(
    weights.names().map((name) => [weights.get(name)!.begin, name]),
  );
  return graph.constants.flatMap(({ value, data }) =>
    "file" in data ? [[value.name, names.get(data.offset)!]] : []
  );
}
