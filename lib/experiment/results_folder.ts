import { cp } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { writeAtomically, writeTextAtomically } from "../files/atomic.ts";
import { lockedFile } from "../files/lock.ts";
import { exists, namesIn, orNull } from "../files/missing.ts";
import { removeAbandoned } from "../files/temporary.ts";
import { reasonOf } from "../files/values.ts";
import { TABLE_FILES } from "../plot/tables.ts";
import { canonicalJson } from "../record/canonical_json.ts";
import { differences } from "../record/differences.ts";
import type { GridSettings } from "./grid.ts";
import {
  differenceOf,
  IDENTITY,
  type Identity,
  readIdentity,
} from "./identity.ts";
import { keptValue } from "./kept_value.ts";
import { isOf, readRun, type Recorded, recordName } from "./records.ts";
import type { Following, Order, Site } from "./site.ts";

/** A file that all results have. A folder without it is not replaced. */
const MARKER = "summary.json";
/** Files of results that are made anew. */
const FILES = [
  ...[MARKER, IDENTITY, "figure.json", "figure.html"],
  ...Object.keys(TABLE_FILES),
];
/** Folder of values that runs share, until the results are complete. */
const KEPT = "kept";
/** Folder in which runs under way can be followed. */
export const LIVE = "live";
/** Folder of arrays that make the runs, until the results are complete. */
export const SLURM = "slurm";
const WAYS_OUT = "give another --out, or --replace";

export interface ResultsFolderOptions {
  readonly identity: Identity;
  /** The runs, beside which a folder of the same identity may have others. */
  readonly grid: GridSettings;
  /** Whether to replace other results. */
  readonly replace: boolean;
}

/**
 * A folder of results that appears whole or not at all. It is written beside
 * its final location, in `.NAME.part`, and moved there at the end. A process
 * that ends before leaves the finished runs there, and the next one goes on
 * with them. One process at a time writes them: a lock that ends with the
 * process keeps others out.
 */
export class ResultsFolder implements AsyncDisposable {
  /** The working folder. */
  readonly path: string;
  readonly #old: string;
  readonly #lock: string;
  #held: Deno.FsFile | undefined;
  #isFinished = false;

  private constructor(
    /** The final location. */
    readonly target: string,
    private readonly identity: Identity,
    private readonly grid: GridSettings,
  ) {
    this.path = partOf(target);
    this.#old = beside(target, "old");
    this.#lock = beside(target, "lock");
  }

  /**
   * @throws Error where it cannot be written, another process writes it, or it
   * holds anything else: other results too, unless they are to be replaced.
   */
  static async open(
    path: string,
    { identity, grid, replace }: ResultsFolderOptions,
  ): Promise<ResultsFolder> {
    const folder = new ResultsFolder(resolve(path), identity, grid);
    try {
      await Deno.mkdir(dirname(folder.target), { recursive: true });
      folder.#held = lockedFile(folder.#lock);
      await folder.#recover();
      folder.#isFinished = await folder.#checkFinished(replace);
      if (!folder.#isFinished) await folder.#begin(replace);
      return folder;
    } catch (cause) {
      await folder[Symbol.asyncDispose]();
      throw new Error(`Cannot write results to ${path}: ${reasonOf(cause)}`, {
        cause,
      });
    }
  }

  /** A folder for runs to be followed in, which goes with their process. */
  get live(): string {
    return join(this.path, LIVE);
  }

  /** Whether the final location has these results already. */
  get isFinished(): boolean {
    return this.#isFinished;
  }

  /**
   * Names of the sound records among those that are wanted, an earlier result's
   * too. Anything else that an earlier process left is removed, except for the
   * files of an array, whose tasks may still write.
   */
  async finishedRuns(
    wanted: readonly Recorded[],
  ): Promise<ReadonlySet<string>> {
    const byName = new Map(wanted.map((each) => [recordName(each), each]));
    const isWanted = async (folder: string, name: string) => {
      const each = byName.get(name);
      return each !== undefined && await isSound(join(folder, name), each);
    };
    const found = new Set<string>();
    await removeAbandoned(this.path);
    const names = await namesIn(this.path);
    const mayStay = (name: string) =>
      [IDENTITY, KEPT].includes(name) || names.includes(SLURM) &&
        ([SLURM, LIVE].includes(name) || name.endsWith(".tmp"));
    for (const name of names) {
      if (await isWanted(this.path, name)) found.add(name);
      else if (!mayStay(name)) await removed(join(this.path, name));
    }
    for (const name of await this.#earlier()) {
      if (found.has(name) || !await isWanted(this.target, name)) continue;
      await writeAtomically(
        join(this.path, name),
        (to) => cp(join(this.target, name), to, { recursive: true }),
      );
      found.add(name);
    }
    return found;
  }

  /** Names in the results that are replaced, if their runs are of this identity. */
  async #earlier(): Promise<string[]> {
    const stored = await readIdentity(this.target);
    const isSame = differenceOf(stored?.identity, this.identity) === null;
    return isSame ? await namesIn(this.target) : [];
  }

  /** A value that runs share, made once for this process and later ones. */
  async kept<T>(name: string, make: () => Promise<T>): Promise<T> {
    return await keptIn(this.path, name, make);
  }

  /** Has a site make the records that are wanted and missing. */
  async fill(
    site: Site,
    { wanted, execution, ...plan }: Pick<Order, "url" | "context"> & {
      wanted: readonly Recorded[];
      execution: Following;
    },
  ): Promise<void> {
    const finished = await this.finishedRuns(wanted);
    const missing = wanted.filter((each) => !finished.has(recordName(each)));
    const { path: folder, identity } = this;
    await site.fill({ folder, identity, missing, ...plan }, execution);
  }

  /** Moves the results to their final location. Files of others stay there. */
  async publish(): Promise<void> {
    const made = await namesIn(this.path);
    const passing = made.filter((name) => name.endsWith(".tmp"));
    for (const name of [KEPT, LIVE, SLURM, ...passing]) {
      await removed(join(this.path, name));
    }
    for (const name of await namesIn(this.target)) {
      const [from, to] = [join(this.target, name), join(this.path, name)];
      const isOurs = FILES.includes(name) || name.endsWith(".tmp") ||
        await exists(join(from, RECORD));
      if (!isOurs) await cp(from, to, { recursive: true });
    }
    await orNull(Deno.rename(this.target, this.#old));
    await Deno.rename(this.path, this.target);
    await removed(this.#old);
    this.#isFinished = true;
  }

  /** Removes the working folder if nothing is in it, and the lock. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#held) return;
    await Deno.remove(join(this.path, KEPT)).catch(() => {}); // if it is empty
    const names = await namesIn(this.path);
    if (!names.includes(SLURM)) await removed(this.live);
    const isEmpty = names.every((name) => [IDENTITY, LIVE].includes(name));
    if (isEmpty) await removed(this.path);
    await Deno.remove(this.#lock).catch(() => {});
    this.#held.close();
  }

  /** Ends the move that another process began. */
  async #recover(): Promise<void> {
    if (!await exists(this.#old)) return;
    if (await exists(this.target)) await removed(this.#old);
    else await Deno.rename(this.#old, this.target);
  }

  async #checkFinished(replace: boolean): Promise<boolean> {
    const names = await namesIn(this.target);
    if (names.length === 0) return false;
    if (!names.includes(MARKER)) {
      throw new Error(
        `it holds ${
          names[0]
        } but no ${MARKER}, expected an empty folder or older results`,
      );
    }
    if (replace) return false;
    const stored = await readIdentity(this.target);
    const wanted = { identity: this.identity, grid: this.grid };
    if (differences(stored, wanted, { ignore: [] }).length === 0) return true;
    const found = stored && differenceOf(stored.identity, this.identity);
    throw new Error(
      `it holds finished results${
        found === null ? " of other runs" : `, but ${found}`
      }; ${WAYS_OUT}`,
    );
  }

  /** Makes the working folder, or takes one of the same identity. */
  async #begin(replace: boolean): Promise<void> {
    const names = await namesIn(this.path);
    if (names.some((name) => !name.endsWith(".tmp"))) {
      const stored = await readIdentity(this.path);
      const found = differenceOf(stored?.identity, this.identity);
      if (found === null) {
        // Data of other methods may lack what these read.
        if (differences(stored?.grid, this.grid, { ignore: [] }).length > 0) {
          await removed(join(this.path, KEPT));
        }
        return await this.#writeIdentity();
      }
      if (!replace) {
        throw new Error(
          `${
            basename(this.path)
          } beside it holds unfinished results, but ${found}; ${WAYS_OUT}`,
        );
      }
    }
    await removed(this.path);
    await Deno.mkdir(this.path);
    await this.#writeIdentity();
  }

  async #writeIdentity(): Promise<void> {
    const { identity, grid } = this;
    const text = `${canonicalJson({ identity, grid }, { indent: 2 })}\n`;
    await writeTextAtomically(join(this.path, IDENTITY), text);
  }
}

/** A value that the runs in a working folder share; see {@linkcode keptValue}. */
export async function keptIn<T>(
  folder: string,
  name: string,
  make: () => Promise<T>,
): Promise<T> {
  await Deno.mkdir(join(folder, KEPT), { recursive: true });
  return await keptValue(join(folder, KEPT, name), make);
}

function beside(target: string, ending: string): string {
  return join(dirname(target), `.${basename(target)}.${ending}`);
}

/** The working folder of results at a path. */
export function partOf(path: string): string {
  return beside(resolve(path), "part");
}

const RECORD = "run.json";

/** Whether a folder holds a whole record of what is wanted. */
export async function isSound(
  path: string,
  wanted: Recorded,
): Promise<boolean> {
  try {
    return isOf((await readRun(path)).record, wanted);
  } catch {
    return false;
  }
}

async function removed(path: string): Promise<void> {
  await orNull(Deno.remove(path, { recursive: true }));
}
