import { basename, dirname, join } from "node:path";

/**
 * A folder with links to files of weights. onnxruntime refuses paths and
 * symbolic links that leave the folder of its model.
 */
export class LinkedFiles implements AsyncDisposable {
  readonly #names = new Map<string, string>();

  private constructor(readonly folder: string) {}

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

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** A new folder into which a file can be linked, if there can be one. */
async function folderFor(file: string): Promise<string> {
  const temporary = await Deno.makeTempDir({ prefix: "prefgrad-" });
  if (await canLink(file, temporary)) return temporary;
  const beside = await folderBeside(file);
  if (!beside) return temporary;
  await Deno.remove(temporary);
  return beside;
}

async function folderBeside(file: string): Promise<string | null> {
  try {
    const dir = dirname(file);
    return await Deno.makeTempDir({ dir, prefix: ".prefgrad-" });
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
