import { join } from "node:path";
import { IDENTITY } from "../experiment/identity.ts";
import { exists } from "../files/missing.ts";

/** Results: those of an experiment or a comparison, or a run of training. */
export interface Results {
  readonly kind: "experiment" | "run";
  readonly folder: string;
}

/**
 * Finds finished results in folders and the folders in them, each once.
 * Unfinished ones lie in hidden folders, which are left out, as links are.
 *
 * @throws Error where a folder cannot be read.
 */
export async function findResults(
  folders: readonly string[],
): Promise<Results[]> {
  const found = new Map<string, Results>();
  for (const folder of folders) {
    for await (const results of resultsIn(folder)) {
      const path = await Deno.realPath(results.folder);
      if (!found.has(path)) found.set(path, results);
    }
  }
  return [...found.values()];
}

async function* resultsIn(folder: string): AsyncGenerator<Results> {
  if (await exists(join(folder, IDENTITY))) {
    return yield { kind: "experiment", folder };
  }
  if (await exists(join(folder, "run.json"))) {
    return yield { kind: "run", folder };
  }
  const entries = await Array.fromAsync(Deno.readDir(folder));
  const names = entries.flatMap(({ name, isDirectory }) =>
    isDirectory && !/^\.|^node_modules$/.test(name) ? [name] : []
  );
  for (const name of names.sort()) yield* resultsIn(join(folder, name));
}
