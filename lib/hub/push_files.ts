import { join } from "node:path";
import { additionalTemplates } from "../files/additional_templates.ts";
import { orNull } from "../files/missing.ts";
import { refuseOutside, RESULTS } from "./local.ts";
import { modelFiles, onnxFiles } from "./select.ts";

/** The files of a folder to push. */
export interface Pushable {
  /** An ONNX model has no weights besides its graphs'. */
  readonly kind: "adapter" | "model" | "onnx";
  /** Paths in the repository → paths on this machine. */
  readonly files: ReadonlyMap<string, string>;
}

/** Tokenizer files for other tools, besides those that a pull brings. */
const TOKENIZER =
  /^(added_tokens\.json|vocab\.json|merges\.txt|tokenizer\.model)$/;
/** Files of a training run, beside its adapter or model. */
const RUN = ["run.json", "metrics.jsonl", "figure.png", "README.md"];

/**
 * The files of a training run to push: its adapter or model, its record and its
 * figure, but neither checkpoints nor anything that could be code.
 *
 * @throws if the run has no adapter or model, or a link to a file elsewhere.
 */
export async function runToPush(folder: string): Promise<Pushable> {
  for (const name of RESULTS) {
    const path = join(folder, name);
    if (!(await orNull(Deno.stat(path)))?.isDirectory) continue;
    const { kind, files } = await weightsToPush(path);
    return { kind, files: new Map([...files, ...await recordToPush(folder)]) };
  }
  throw new Error(
    `Cannot push ${folder}: expected a run that has ended, with adapter/ or model/ beside run.json`,
  );
}

/** The record of a run, with its figure and its card if it has them. */
export async function recordToPush(
  folder: string,
): Promise<Map<string, string>> {
  const names = await namesIn(folder);
  return await checkedPaths(folder, RUN.filter((name) => names.includes(name)));
}

/**
 * The files of an adapter or a model: weights or ONNX graphs, configuration,
 * tokenizer, and a model card if there is one.
 *
 * @throws if the folder is neither, or has a link to a file elsewhere.
 */
export async function weightsToPush(folder: string): Promise<Pushable> {
  const names = await namesIn(folder);
  const graphs = names.includes("onnx")
    ? (await namesIn(join(folder, "onnx"))).map((name) => `onnx/${name}`)
    : [];
  const templates = await additionalTemplates(folder);
  const onnx = onnxFiles([...names, ...templates, ...graphs]);
  const wanted = [
    ...onnx ?? modelFiles([...names, ...templates], folder),
    ...names.filter((name) => TOKENIZER.test(name) || name === "README.md"),
  ];
  const isAdapter = names.includes("adapter_config.json");
  return {
    kind: onnx ? "onnx" : isAdapter ? "adapter" : "model",
    files: await checkedPaths(folder, wanted.sort()),
  };
}

async function namesIn(folder: string): Promise<string[]> {
  const entries = await orNull(Array.fromAsync(Deno.readDir(folder)));
  if (entries === null) {
    throw new Error(`Cannot push ${folder}: expected a folder`);
  }
  return entries.map(({ name }) => name);
}

async function checkedPaths(
  folder: string,
  names: readonly string[],
): Promise<Map<string, string>> {
  const paths = new Map(names.map((name) => [name, join(folder, name)]));
  // No switch lets a link publish a file of this machine.
  for (const path of paths.values()) await refuseOutside(folder, path, false);
  return paths;
}
