import { basename, dirname, join } from "node:path";
import { type Temporary, temporaryFolder } from "../files/temporary.ts";

/**
 * A folder with links to files of weights. onnxruntime refuses paths and
 * symbolic links that leave the folder of its model.
 */
export class LinkedFiles implements Disposable {
  readonly #names = new Map<string, string>();

  private constructor(private readonly place: Temporary) {}

  get folder(): string {
    return this.place.path;
  }

  /**
   * Links files into a temporary folder, or, where that is on another file
   * system, into one beside the first of them. Files that cannot be linked are
   * copied.
   */
  static async create(files: readonly string[]): Promise<LinkedFiles> {
    const distinct = [...new Set(files)];
    const first = await Deno.realPath(distinct[0]!);
    const linked = new LinkedFiles(await folderFor(first));
    for (const [i, file] of distinct.entries()) {
      const name = `${i}-${basename(file)}`;
      const real = await Deno.realPath(file); // the Hub's cache has links
      const target = join(linked.folder, name);
      if (!await isLinked(real, target)) await Deno.copyFile(real, target);
      linked.#names.set(file, name);
    }
    return linked;
  }

  /** A file's name in the folder. */
  nameOf(file: string): string {
    return this.#names.get(file)!;
  }

  [Symbol.dispose](): void {
    this.place[Symbol.dispose]();
  }
}

/** A new folder into which a file can be linked, if there can be one. */
async function folderFor(file: string): Promise<Temporary> {
  const temporary = await temporaryFolder();
  if (await canLink(file, temporary.path)) return temporary;
  const beside = await folderBeside(file);
  if (!beside) return temporary;
  temporary[Symbol.dispose]();
  return beside;
}

async function folderBeside(file: string): Promise<Temporary | null> {
  try {
    return await temporaryFolder({ dir: dirname(file), name: ".prefgrad" });
  } catch {
    return null; // The weights are someone else's, or read-only.
  }
}

async function canLink(file: string, folder: string): Promise<boolean> {
  const probe = join(folder, "probe");
  const can = await isLinked(file, probe);
  if (can) await Deno.remove(probe);
  return can;
}

async function isLinked(from: string, to: string): Promise<boolean> {
  try {
    await Deno.link(from, to);
    return true;
  } catch {
    return false;
  }
}
