import { basename, dirname, join } from "node:path";
import { shownPath } from "../files/shown_path.ts";
import { findWatched, type WatchedFolder } from "./find_watched.ts";
import type { Watched, WatchedDetails, WatchedState } from "./watched.ts";
import { WatchedExperiment } from "./watched_experiment.ts";
import { WatchedTraining } from "./watched_training.ts";

/** Everything in some folders that is watched. */
export class Watcher {
  readonly #watched = new Map<string, Watched>();
  #refreshing: Promise<void> | null = null;
  #refreshedAt = -Infinity;

  /** @param fresh milliseconds in which files are read at most once. */
  constructor(
    private readonly folders: readonly string[],
    private readonly fresh: number,
  ) {}

  /** The state of everything by its folder, what goes on first. */
  async states(): Promise<(WatchedState & { id: string })[]> {
    await this.#refresh();
    const states = [...this.#watched]
      .map(([id, watched]) => ({ id, ...watched.state() }));
    const rank = ({ phase }: WatchedState) =>
      ["running", "stopped", "finished"].indexOf(phase);
    return states.sort((a, b) => rank(a) - rank(b));
  }

  /** Details of a folder; null where it is not watched. */
  async details(id: string, match: string): Promise<WatchedDetails | null> {
    return await this.#watched.get(id)?.details(match) ?? null;
  }

  /** Reads what is new, once for all who ask at the same time. */
  async #refresh(): Promise<void> {
    if (performance.now() - this.#refreshedAt < this.fresh) return;
    this.#refreshing ??= this.#read().finally(() => {
      this.#refreshing = null;
      this.#refreshedAt = performance.now();
    });
    await this.#refreshing;
  }

  async #read(): Promise<void> {
    const found = await findWatched(this.folders);
    const folders = new Map(found.map((each) => [keyOf(each), each]));
    for (const key of this.#watched.keys()) {
      if (!folders.has(key)) this.#watched.delete(key);
    }
    for (const [key, folder] of folders) {
      const watched = this.#watched.get(key) ?? watchedOf(folder);
      this.#watched.set(key, watched);
      // A folder that is written or goes right now is read the next time.
      await watched.refresh().catch(() => {});
    }
  }
}

/** A folder is watched anew when it becomes something else. */
function keyOf({ kind, folder }: WatchedFolder): string {
  return `${kind} ${folder}`;
}

function watchedOf({ kind, folder }: WatchedFolder): Watched {
  if (kind === "training") {
    // A run of an unfinished experiment is named as it will lie there.
    const name = shownPath(folder)
      .replace(/\.([^/\\]+)\.part([/\\])live[/\\]/, "$1$2");
    return new WatchedTraining(folder, name);
  }
  const isFinished = kind === "experiment";
  const name = isFinished
    ? folder
    : join(dirname(folder), basename(folder).slice(1, -".part".length));
  return new WatchedExperiment(folder, shownPath(name), isFinished);
}
