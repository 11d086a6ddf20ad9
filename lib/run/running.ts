import { join } from "node:path";
import * as v from "valibot";
import { orNull } from "../files/missing.ts";
import { COUNT } from "../record/check_json.ts";
import type { PreparedRun } from "./plan.ts";

/** Name of the file that a run holds while it lasts. */
export const LOCK = ".lock";

const RUNNING = v.object({
  loss: v.string(),
  model: v.string(),
  data: v.string(),
  seed: v.number(),
  /** Steps that the whole run takes. */
  steps: COUNT,
});

/** A run under way, as its lock tells others before there is a record. */
export type Running = v.InferOutput<typeof RUNNING>;

export function runningOf(
  { inputs: { loss, model, train }, settings, plan }: PreparedRun,
): Running {
  return {
    loss: loss.id,
    model: model.source,
    data: train.description.source,
    seed: settings.seed,
    steps: plan.batches.length,
  };
}

/** Writes into a lock which run holds it. */
export function tellRunning(lock: Deno.FsFile, running: Running): void {
  lock.truncateSync(0);
  lock.seekSync(0, Deno.SeekMode.Start);
  const text = `${JSON.stringify(running)}\n`;
  lock.writeSync(new TextEncoder().encode(text));
}

/** The run under way in a folder; null where none has said so. */
export async function readRunning(folder: string): Promise<Running | null> {
  const text = await orNull(Deno.readTextFile(join(folder, LOCK)));
  try {
    return v.parse(RUNNING, JSON.parse(text ?? ""));
  } catch {
    return null;
  }
}
