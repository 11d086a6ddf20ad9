import { existsSync } from "node:fs";
import { join } from "node:path";
import { readRecord } from "lib/record.ts";
import { inputProgress } from "./download_progress.ts";
import { modelFolder, type ModelPlace } from "./model_folder.ts";

/** What is to be exported, found. */
export interface ExportSource {
  readonly model: ModelPlace;
  readonly adapter: ModelPlace | null;
  /** SHA-256 of the weights that the adapter was trained on, if it is known. */
  readonly trainedOn: string | null;
  /** How they were held then, if it is known. */
  readonly heldAs: string | null;
}

export interface SourceOptions {
  readonly adapter?: string | undefined;
  readonly base?: string | undefined;
}

/**
 * Finds a model, or the model and the adapter of a training run.
 *
 * @throws Error where there is none, or options do not fit it.
 */
export async function exportSource(
  path: string,
  { adapter, base }: SourceOptions,
): Promise<ExportSource> {
  if (existsSync(join(path, "run.json"))) {
    if (adapter === undefined) return await ofRun(path, base);
    throw new Error(`Cannot use --adapter: the run ${path} has its own`);
  }
  if (base !== undefined) {
    throw new Error(
      `Cannot use --base: expected a training run, found no run.json in ${path}`,
    );
  }
  return {
    model: await find(path),
    adapter: adapter === undefined ? null : await find(adapter),
    ...{ trainedOn: null, heldAs: null },
  };
}

async function ofRun(
  run: string,
  base: string | undefined,
): Promise<ExportSource> {
  const [adapter, model] = ["adapter", "model"].map((name) => join(run, name));
  if (existsSync(model!)) {
    if (base !== undefined) {
      throw new Error(
        `Cannot use --base: the run ${run} has a model of its own`,
      );
    }
    return {
      model: await find(model!),
      ...{ adapter: null, trainedOn: null, heldAs: null },
    };
  }
  if (!existsSync(adapter!)) {
    throw new Error(
      `Cannot export the run ${run}: expected adapter or model in it, found neither`,
    );
  }
  const { model: { source, weights }, settings: { baseWeights } } =
    await readRecord(join(run, "run.json"));
  const found = await find(base ?? source).catch((cause) => {
    throw base === undefined
      ? new Error(`${cause.message}; give --base, where it lies now`, { cause })
      : cause;
  });
  return {
    model: found,
    adapter: await find(adapter!),
    trainedOn: weights,
    heldAs: typeof baseWeights === "string" ? baseWeights : null,
  };
}

async function find(path: string): Promise<ModelPlace> {
  return await modelFolder(path, inputProgress());
}
