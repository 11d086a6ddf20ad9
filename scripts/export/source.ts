import { existsSync } from "node:fs";
import { join } from "node:path";
import { readRecord, sourceName } from "lib/record/record.ts";
import { inputProgress } from "../train/download_progress.ts";
import { modelFolder, type ModelPlace } from "lib/run/models.ts";
import type { Writer } from "lib/files/atomic.ts";
import { namesIn } from "lib/files/missing.ts";
import { writeJson } from "lib/models/config_json/config_reader.ts";
import { provenance } from "lib/record/environment.ts";
import { sha256File } from "lib/record/sha256.ts";

/** A model to export, with its adapter. */
export interface ExportSource {
  readonly model: ModelPlace;
  readonly adapter: ModelPlace | null;
  /** SHA-256 of the weights on which the adapter was trained; null if unknown. */
  readonly trainedOn: string | null;
  /** The format in which training held those weights; null if unknown. */
  readonly heldAs: string | null;
}

export interface SourceOptions {
  readonly adapter?: string | undefined;
  readonly base?: string | undefined;
}

/**
 * Finds a model, or the model and the adapter of a training run.
 *
 * @throws Error if there is none, or an option does not fit it.
 */
export async function exportSource(
  path: string,
  { adapter, base }: SourceOptions,
): Promise<ExportSource> {
  if (existsSync(join(path, "run.json"))) {
    if (adapter === undefined) return await runSource(path, base);
    throw new Error(`Cannot use --adapter: the run ${path} has its own`);
  }
  if (base !== undefined) {
    throw new Error(
      `Cannot use --base: expected a training run, found no run.json in ${path}`,
    );
  }
  return {
    ...UNRECORDED,
    model: await findModel(path),
    adapter: adapter === undefined ? null : await findModel(adapter),
  };
}

/** A model whose training is unknown. */
const UNRECORDED = { trainedOn: null, heldAs: null };

async function runSource(
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
    return { ...UNRECORDED, model: await findModel(model!), adapter: null };
  }
  if (!existsSync(adapter!)) {
    throw new Error(
      `Cannot export the run ${run}: expected adapter or model in it, found neither`,
    );
  }
  const { model: { source, weights }, settings: { baseWeights } } =
    await readRecord(join(run, "run.json"));
  return {
    model: await findModel(base ?? source).catch((cause) => {
      if (base !== undefined) throw cause;
      const advice = "give --base, the path where it lies now";
      throw new Error(`${cause.message}; ${advice}`, { cause });
    }),
    adapter: await findModel(adapter!),
    trainedOn: weights,
    heldAs: typeof baseWeights === "string" ? baseWeights : null,
  };
}

async function findModel(path: string): Promise<ModelPlace> {
  return await modelFolder(path, inputProgress());
}

/** The record of an export, which marks its folder. */
const RECORD = "export.json";

/**
 * Checks that a folder is new, empty, or of an earlier export.
 *
 * @throws Error naming a file that would be lost.
 */
export async function refuseOthers(out: string): Promise<void> {
  const names = (await namesIn(out)).sort();
  if (names.length === 0 || names.includes(RECORD)) return;
  throw new Error(
    `Cannot export to ${out}: it holds "${names[0]}" and no ${RECORD}; ` +
      `expected a new or empty folder, or one that export wrote`,
  );
}

/** The writer of an export's record, by the name of its file. */
export async function exportRecord(
  { model, adapter, heldAs }: ExportSource,
  { weights, ...settings }: { weights: string; dtype: string; layout: string },
): Promise<Map<string, Writer>> {
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
