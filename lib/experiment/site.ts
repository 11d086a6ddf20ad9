import type { GridSettings } from "./grid.ts";
import type { Identity } from "./identity.ts";
import type { Recorded, RunContext } from "./records.ts";
import type { Watch } from "./watch.ts";

/** Records that are wanted in a folder, and everything that their jobs need. */
export interface Order {
  /** The working folder of the results. */
  readonly folder: string;
  /** The module of jobs. */
  readonly url: string;
  /** Everything that decides the numbers of the runs. */
  readonly identity: Identity;
  readonly context: RunContext<GridSettings>;
  /** The records that the folder lacks; some may turn out to be none. */
  readonly missing: readonly Recorded[];
}

/** How work elsewhere is followed. */
export interface Following {
  /** Shows progress. */
  readonly watch: Watch;
  /** Ends the following at once. @default none */
  readonly signal?: AbortSignal;
}

/** Machines other than this one that run the jobs of an experiment. */
export interface Site {
  /** Describes how an order would be carried out. */
  describe(order: Order): Promise<string>;
  /**
   * Has the missing records made, into the folder. A process that ends before
   * leaves those that are made, and the next one goes on.
   *
   * @throws Error that names a record that cannot be made, after all others.
   */
  fill(
    order: Order,
    execution: Following,
  ): Promise<void>;
}
