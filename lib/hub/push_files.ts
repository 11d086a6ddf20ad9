import { join } from "node:path";
import { orNull } from "../files/missing.ts";
import { refuseOutside } from "./local.ts";
import { modelFiles, onnxFiles } from "./select.ts";

/** What a folder has for the Hub. */
export interface Pushable {
  /** An ONNX model has no other weights. */
  readonly kind: "adapter" | "model" | "onnx";
  /** Places of the files on this machine, by their paths in the repository. */
  readonly files: ReadonlyMap<string, string>;
}

/** Tokenizer files that other tools read, besides what a pull brings. */
const TOKENIZER =
  /^(added_tokens\.json|vocab\.json|merges\.txt|tokenizer\.model)$/;
/** Of a training run, beside what it trained. */
const RUN = ["run.json", "metrics.jsonl", "figure.png", "README.md"];
/** Where a training run keeps what it trained. */
const TRAINED = ["adapter", "model"];

/**
 * What of a training run goes to the Hub: its adapter or model, its record and
 * its figure. Never checkpoints, nor anything that could be code.
 *
 * @throws if the run has no adapter or model, or a link to a file elsewhere.
 */
export async function runToPush(folder: string): Promise<Pushable> {
  for (const name of TRAINED) {
    const path = join(folder, name);
    if (!(await orNull(Deno.stat(path)))?.isDirectory) continue;
    const { kind, files } = await weightsToPush(path);
    return { kind, files: new Map([...files, ...await recordToPush(folder)]) };
  }
  throw new Error(
    `Cannot push ${folder}: expected a run that has ended, with adapter/ or model/ beside run.json`,
  );
}

/** The record of a run, its figure where drawn and its card where written. */
export async function recordToPush(
  folder: string,
): Promise<Map<string, string>> {
  const names = await namesIn(folder);
  return await placed(folder, RUN.filter((name) => names.includes(name)));
}

/**
 * The files of an adapter or a model: weights or ONNX graphs, configuration,
 * tokenizer, and a model card where one was written.
 *
 * @throws if it is neither, or has a link to a file elsewhere.
 */
export async function weightsToPush(folder: string): Promise<Pushable> {
  const names = await namesIn(folder);
  const graphs = names.includes("onnx")
    ? (await namesIn(join(folder, "onnx"))).map((name) => `onnx/${name}`)
    : [];
  const onnx = onnxFiles([...names, ...graphs]);
  const wanted = [
    ...onnx ?? modelFiles(names, folder),
    ...names.filter((name) => TOKENIZER.test(name) || name === "README.md"),
  ];
  const isAdapter = names.includes("adapter_config.json");
  return {
    kind: onnx ? "onnx" : isAdapter ? "adapter" : "model",
    files: await placed(folder, wanted.sort()),
  };
}

async function namesIn(folder: string): Promise<string[]> {
  const entries = await orNull(Array.fromAsync(Deno.readDir(folder)));
  if (entries === null) {
    throw new Error(`Cannot push ${folder}: expected a folder`);
  }
  return entries.map(({ name }) => name);
}

async function placed(
  folder: string,
  names: readonly string[],
): Promise<Map<string, string>> {
  const places = new Map(names.map((name) => [name, join(folder, name)]));
  for (const place of places.values()) await refuseOutside(folder, place);
  return places;
}
