import { isHeld } from "../files/lock.ts";
import { orNull } from "../files/missing.ts";

/**
 * A lock that tells whether a process still writes a folder. To ask it takes
 * the lock for an instant if nobody has it, which could refuse a process that
 * begins right then: a lock that nobody had is asked again only once it or the
 * folder has changed.
 */
export class HeldLock {
  #freeSince: string | null = null;

  constructor(
    private readonly path: string,
    private readonly folder: string,
  ) {}

  async isHeld(): Promise<boolean> {
    const state = await this.#state();
    if (state === this.#freeSince) return false;
    const found = isHeld(this.path);
    this.#freeSince = found ? null : state;
    return found;
  }

  async #state(): Promise<string> {
    const stats = await Promise.all(
      [this.path, this.folder].map((path) => orNull(Deno.stat(path))),
    );
    return stats.map((stat) => `${stat?.ino} ${stat?.mtime?.getTime()}`)
      .join(", ");
  }
}
