import { fromFirst } from "../distributed/group.ts";
import { cacheFolder } from "../files/cache_folder.ts";
import { engine } from "../onnx/engine.ts";
import { rowsToReference } from "../train/loop.ts";
import {
  type ComputeLogProbs,
  computeReference,
  type Reference,
} from "../train/reference.ts";
import { cachedReference } from "../train/reference_cache.ts";
import { lossRequirements } from "../train/requirements.ts";
import type { Stop } from "../train/stop.ts";
import type { Trainer } from "../train/trainer.ts";
import type { InputsInMemory } from "./inputs.ts";
import type { PreparedRun } from "./plan.ts";

/** Options of a run that decide how it has its reference. */
interface ReferenceOptions {
  /** The one that is in memory already. */
  inputs?: Pick<InputsInMemory, "reference">;
  /** Rows scored so far, and of how many. */
  onReference?: (done: number, total: number) => void;
  /** Folder of the cache. */
  cache?: string;
  onNote?: (text: string) => void;
  stop?: Stop;
}

/** The reference of a run: given, cached, or computed; null where it needs none. */
export async function referenceFor(
  { inputs, plan, settings, identity }: PreparedRun,
  trainer: Trainer,
  { inputs: given, onReference, cache, onNote, stop }: ReferenceOptions,
): Promise<Reference | null> {
  const { loss, model } = inputs;
  const rows = rowsToReference(plan, loss);
  if (rows.length === 0) return null;
  if (given?.reference) return given.reference;
  const { device, precision, threads, microTokens } = settings;
  const compute: ComputeLogProbs = (rows, computing) => {
    onReference?.(0, rows.length);
    const onRows = (done: number) => onReference?.(done, rows.length);
    return trainer.referenceLogProbs(rows, { onRows, stop, ...computing });
  };
  const { group } = trainer.options;
  const folder = await fromFirst(
    group,
    async () =>
      cache ?? await cacheFolder("reference").catch((error) => {
        onNote?.(`${error.message}; the reference is not kept`);
        return null;
      }),
  );
  if (folder === null) return await computeReference(rows, compute);
  return await cachedReference(rows, compute, {
    folder,
    group,
    ...onNote && { onNote },
    // Whatever may move the last digit counts, as runs are to repeat.
    identity: {
      weights: identity["model"]!,
      adapter: model.adapterHash,
      graph: await trainer.forward.hash(),
      tokens: lossRequirements(loss, inputs.options).tokenReference,
      engine: engine().version,
      device,
      precision,
      threads,
      microTokens,
    },
  });
}
