import { basename, dirname, resolve } from "node:path";
import { namesIn } from "../files/missing.ts";
import { reasonOf } from "../files/values.ts";

/** A file that all results have. A folder without it is not replaced. */
const MARKER = "summary.json";

/**
 * A folder of results that appears whole or not at all. It is written beside
 * its final location and moved there at the end, replacing older results.
 */
export class ResultsFolder implements AsyncDisposable {
  private constructor(
    /** The temporary folder. */
    readonly path: string,
    private readonly target: string,
  ) {}

  /** @throws Error where it cannot be written, or holds anything else. */
  static async create(path: string): Promise<ResultsFolder> {
    const target = resolve(path);
    try {
      await refuseOthers(target);
      await Deno.mkdir(dirname(target), { recursive: true });
      const temporary = await Deno.makeTempDir({
        dir: dirname(target),
        prefix: `.${basename(target)}-`,
        suffix: ".tmp",
      });
      return new ResultsFolder(temporary, target);
    } catch (cause) {
      throw new Error(`Cannot write results to ${path}: ${reasonOf(cause)}`, {
        cause,
      });
    }
  }

  /** Moves the results to their final location. */
  async publish(): Promise<void> {
    // Temporary folders are for their user alone, results for everyone.
    await Deno.chmod(this.path, 0o777 & ~Deno.umask()).catch(() => {});
    const old = `${this.path}.old`;
    const hadOld = await renamed(this.target, old);
    await Deno.rename(this.path, this.target);
    if (hadOld) await Deno.remove(old, { recursive: true });
  }

  /** Removes results that were not published. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true }).catch(() => {});
  }
}

async function refuseOthers(folder: string): Promise<void> {
  const names = await namesIn(folder);
  if (names.length === 0 || names.includes(MARKER)) return;
  throw new Error(
    `it holds ${
      names[0]
    } but no ${MARKER}, expected an empty folder or older results`,
  );
}

async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await Deno.rename(from, to);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
