import { join } from "node:path";
import type { Writer } from "lib/atomic_folder.ts";
import { writeJson } from "lib/models/json_fields.ts";
import { provenance } from "lib/record/environment.ts";
import { sha256File } from "lib/record/sha256.ts";
import type { ExportSource } from "./export_source.ts";
import { sourceName } from "./source_name.ts";

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
