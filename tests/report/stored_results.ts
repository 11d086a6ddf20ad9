import { join } from "node:path";
import { checkout } from "../places.ts";

/** Copies record and metrics of a committed run. */
export async function copyRun(run: string, folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  await copy(run, folder, ["run.json", "metrics.jsonl"]);
}

/** Copies the results of a committed experiment. */
export async function putExperiment(
  folder: string,
  results: string,
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  await copy(results, folder, ["experiment.json", "figure.json"]);
  for await (const { name, isDirectory } of Deno.readDir(checkout(results))) {
    if (isDirectory) await copyRun(join(results, name), join(folder, name));
  }
}

async function copy(
  from: string,
  folder: string,
  names: readonly string[],
): Promise<void> {
  for (const name of names) {
    await Deno.copyFile(checkout(join(from, name)), join(folder, name));
  }
}
