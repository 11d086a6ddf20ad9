import { existsSync } from "node:fs";
import { join } from "node:path";
import { readRecord, sourceName } from "lib/record/record.ts";
import { inputProgress } from "../train/download_progress.ts";
import { modelFolder, type ModelPlace } from "lib/run/models.ts";
import type { Writer } from "lib/files/atomic.ts";
import { writeJson } from "lib/models/config_json/config_reader.ts";
import { provenance } from "lib/record/environment.ts";
import { sha256File } from "lib/record/sha256.ts";

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

/** What tells a folder that export wrote, and from what. */
const RECORD = "export.json";

/**
 * Checks that a folder is new, empty, or of an earlier export.
 *
 * @throws Error that names what would be lost.
 */
export async function refuseOthers(out: string): Promise<void> {
  const names = await namesIn(out);
  if (names.length === 0 || names.includes(RECORD)) return;
  throw new Error(
    `Cannot export to ${out}: it holds "${names[0]}" and no ${RECORD}; ` +
      `expected a new or empty folder, or one that export wrote`,
  );
}

/** What writes the record of an export, by its name. */
export async function exportRecord(
  { model, adapter, heldAs }: ExportSource,
  made: { weights: string; dtype: string; layout: string },
): Promise<Map<string, Writer>> {
  const { weights, ...settings } = made;
  const file = "adapter_model.safetensors";
  const record = {
    schemaVersion: 1,
    kind: "export",
    ...settings,
    model: {
      source: sourceName(model.source),
      ...model.gguf === null ? {} : { gguf: model.gguf },
      weights,
    },
    adapter: adapter && {
      source: sourceName(adapter.source),
      weights: await sha256File(join(adapter.folder, file)),
      ...heldAs === null ? {} : { trainedOver: heldAs },
    },
    provenance: await provenance(),
  };
  return new Map([[RECORD, (path) => writeJson(path, record)]]);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(folder));
    return entries.map(({ name }) => name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
