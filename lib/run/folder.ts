import { statfs } from "node:fs/promises";
import { join, resolve } from "node:path";
import { writeFolder } from "../files/atomic.ts";
import { lockedFile } from "../files/lock.ts";
import { exists } from "../files/missing.ts";
import { makeFolder, removeAbandoned, untilDone } from "../files/temporary.ts";
import { reasonOf } from "../files/values.ts";
import {
  type BaseModel,
  readAdapter,
  writeAdapter,
} from "../models/adapter/adapter_folder.ts";
import { adapterOf, adapterValues } from "../models/load_policy.ts";
import { writeModelFolder } from "../models/model_folder.ts";
import {
  inMemory,
  writeSafetensors,
} from "../models/weights/write_safetensors.ts";
import { readRecord, type RunRecord } from "../record/record.ts";
import { sha256File } from "../record/sha256.ts";
import { type ParameterStore, readTensors } from "../train/checkpoints.ts";
import type { Values } from "../train/trained_parameters.ts";
import type { RunInputs } from "./inputs.ts";
import type { ModelPlace } from "./models.ts";
import { LOCK, type Running, tellRunning } from "./running.ts";

const METRICS = "metrics.jsonl";
const RECORD = "run.json";
const CHECKPOINTS = "checkpoints";
const OURS = [METRICS, "adapter", "model", CHECKPOINTS, RECORD];

/** The folder of checkpoints in that of a run. */
export const checkpointsIn = (path: string): string => join(path, CHECKPOINTS);

/**
 * The folder that a run writes. It is made at once, so that a run fails early
 * where it cannot write, and is removed at the end of its scope if it is empty.
 * One run at a time has it: a lock that ends with the process keeps others out.
 */
export class RunFolder implements Disposable {
  #made: Disposable | undefined;
  #lock: Deno.FsFile | undefined;
  #lockName: Disposable | undefined;

  private constructor(readonly path: string) {}

  /**
   * Makes a folder, or takes one that is there.
   *
   * @param options `resume` takes one that holds a run, whatever is left of it.
   * @throws Error where it holds a run, another run is writing, or it cannot be
   * written.
   */
  static async open(
    path: string,
    { resume }: { resume: boolean },
  ): Promise<RunFolder> {
    const folder = new RunFolder(path);
    try {
      if (!resume) await refuseRun(path);
      folder.#made = await makeFolder(path);
      const lock = join(path, LOCK);
      folder.#lock = lockedFile(lock);
      folder.#lockName = untilDone(lock, () => Deno.removeSync(lock));
      await removeAbandoned(path);
      await removeAbandoned(folder.checkpoints);
      return folder;
    } catch (cause) {
      folder[Symbol.dispose]();
      throw new Error(`Cannot write to --out ${path}: ${reasonOf(cause)}`, {
        cause,
      });
    }
  }

  /**
   * @param bytes that will be written.
   * @throws Error where the disk has no room for them.
   */
  async requireSpace(bytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.path);
    const free = bavail * bsize;
    if (bytes <= free) return;
    throw new Error(
      `Cannot write to --out ${this.path}: the run will write ${
        megabytes(bytes)
      } MB, the disk has ${megabytes(free)} MB left`,
    );
  }

  /** Tells other programs, in the lock, which run is under way. */
  tell(running: Running): void {
    if (this.#lock) tellRunning(this.#lock, running);
  }

  get metrics(): string {
    return join(this.path, METRICS);
  }

  get checkpoints(): string {
    return checkpointsIn(this.path);
  }

  /** The record of a run that has ended; null before. */
  async record(): Promise<RunRecord | null> {
    const path = join(this.path, RECORD);
    return await exists(path) ? await readRecord(path) : null;
  }

  /** Writes the trained adapter or model. */
  async writeResult(
    values: Values,
    { name, write }: ParameterStore,
  ): Promise<void> {
    await write(join(this.path, name), values);
  }

  /** SHA-256 of the metrics and of each file of the result, by name. */
  async hashes(): Promise<Record<string, string>> {
    const files = [METRICS];
    for (const folder of ["adapter", "model"]) {
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

  [Symbol.dispose](): void {
    this.#lockName?.[Symbol.dispose]();
    this.#lock?.close();
    this.#made?.[Symbol.dispose]();
  }
}

/**
 * The form of a run's result, which its checkpoints have too: an adapter in
 * PEFT's layout, or a model folder; of a policy in memory its weights alone.
 */
export function resultStore(
  { model: { policy, lora, place, source } }: RunInputs,
): ParameterStore {
  if (lora) {
    const config = policy.config;
    const base = { ...place ? baseOf(place) : { baseModel: source }, config };
    return {
      name: "adapter",
      write: (folder, values) =>
        writeAdapter(folder, adapterOf(lora, values), base),
      read: async (folder) => adapterValues(await readAdapter(folder)),
    };
  }
  const tensorsOf = (values: Values) =>
    policy.trained.map(({ name, shape }) => ({
      ...{ name, shape },
      data: values.get(name)!,
    }));
  return {
    name: "model",
    write: async (folder, values) => {
      const tensors = tensorsOf(values).map(inMemory);
      if (place) {
        return writeModelFolder(folder, { from: place.folder, tensors });
      }
      await writeFolder(
        folder,
        new Map([[
          WEIGHTS,
          (path) => writeSafetensors(path, tensorsOf(values)),
        ]]),
      );
    },
    read: (folder) => readTensors(join(folder, WEIGHTS)),
  };
}

/** The model of an adapter as PEFT finds it again, unlike a record's name. */
function baseOf(
  { source, folder }: ModelPlace,
): Pick<BaseModel, "baseModel" | "revision"> {
  return source.kind === "hub"
    ? { baseModel: source.repo, revision: source.commit }
    : { baseModel: resolve(folder) };
}

const WEIGHTS = "model.safetensors";

const megabytes = (bytes: number) => Number((bytes / 1e6).toPrecision(3));

async function refuseRun(path: string): Promise<void> {
  for (const name of OURS) {
    if (!await exists(join(path, name))) continue;
    throw new Error(
      `it holds a run (${name}); give --resume to go on with it, or another folder`,
    );
  }
}
