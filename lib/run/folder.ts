import { dirname, join, resolve } from "node:path";
import { writeAdapter } from "../models/adapter/adapter_folder.ts";
import { adapterOf } from "../models/load_policy.ts";
import { writeModelFolder } from "../models/model_folder.ts";
import { inMemory, writeSafetensors } from "../models/weights/safetensors.ts";
import { sha256File } from "../record/sha256.ts";
import type { Trainer } from "../train/trainer.ts";
import { exists } from "../files/missing.ts";
import type { RunInputs } from "./inputs.ts";
import { reasonOf } from "../files/values.ts";

const METRICS = "metrics.jsonl";
const ADAPTER = "adapter";
const MODEL = "model";
const CHECKPOINTS = "checkpoints";
const OURS = [METRICS, ADAPTER, MODEL, CHECKPOINTS, "run.json"];

/**
 * The folder that a run writes. It is made at once, so that a run fails early
 * where it cannot write, and is removed at the end of its scope if it is empty.
 */
export class RunFolder implements AsyncDisposable {
  private constructor(
    readonly path: string,
    /** Folders that were made, the innermost first. */
    private readonly made: readonly string[],
  ) {}

  /**
   * Makes a folder, or takes one that is there.
   *
   * @param options `resume` takes one that holds a run.
   * @throws Error where it holds a run, or cannot be written.
   */
  static async open(
    path: string,
    { resume }: { resume: boolean },
  ): Promise<RunFolder> {
    const folder = new RunFolder(path, await missing(path));
    try {
      if (!resume) await refuseRun(path);
      await Deno.mkdir(path, { recursive: true });
      await Deno.remove(await Deno.makeTempFile({ dir: path }));
      return folder;
    } catch (cause) {
      await folder[Symbol.asyncDispose]();
      throw new Error(`Cannot write to --out ${path}: ${reasonOf(cause)}`, {
        cause,
      });
    }
  }

  get metrics(): string {
    return join(this.path, METRICS);
  }

  get checkpoints(): string {
    return join(this.path, CHECKPOINTS);
  }

  /** Writes the trained adapter or model. */
  async writeResult(
    trainer: Trainer,
    { model: { policy, lora, place, source } }: RunInputs,
  ): Promise<void> {
    const { tensors } = await trainer.save();
    const values = tensors.get("parameter")!;
    if (lora) {
      // PEFT loads an id without its revision.
      const isPulled = place?.source.kind === "hub";
      return await writeAdapter(
        join(this.path, ADAPTER),
        adapterOf(lora, values),
        {
          baseModel: isPulled ? place.source.repo : source,
          config: policy.config,
        },
      );
    }
    const to = join(this.path, MODEL);
    const trained = policy.trained.map(({ name, shape }) => ({
      ...{ name, shape },
      data: values.get(name)!,
    }));
    if (place) {
      const tensors = trained.map(inMemory);
      return await writeModelFolder(to, { from: place.folder, tensors });
    }
    await Deno.mkdir(to, { recursive: true });
    await writeSafetensors(join(to, "model.safetensors"), trained);
  }

  /** SHA-256 of the metrics and of each file of the result, by name. */
  async hashes(): Promise<Record<string, string>> {
    const files = [METRICS];
    for (const folder of [ADAPTER, MODEL]) {
      if (!await exists(join(this.path, folder))) continue;
      for await (const { name } of Deno.readDir(join(this.path, folder))) {
        files.push(`${folder}/${name}`);
      }
    }
    const pairs = files.map(async (file) =>
      [file, await sha256File(join(this.path, file))] as const
    );
    return Object.fromEntries(await Promise.all(pairs));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const folder of this.made) {
      try {
        await Deno.remove(folder);
      } catch {
        return; // It holds something, or was never made.
      }
    }
  }
}

/** Folders that a path needs and that are not there, the innermost first. */
async function missing(path: string): Promise<string[]> {
  const folders: string[] = [];
  for (let at = resolve(path); !await exists(at); at = dirname(at)) {
    folders.push(at);
  }
  return folders;
}

async function refuseRun(path: string): Promise<void> {
  for (const name of OURS) {
    if (!await exists(join(path, name))) continue;
    throw new Error(
      `it holds a run (${name}); give --resume to go on with it, or another folder`,
    );
  }
}
