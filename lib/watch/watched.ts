import type { Panel } from "../plot/figure.ts";

/** Whether runs go on, as far as their files tell. */
export type Phase = "running" | "stopped" | "finished";

/** A run of training, or an experiment or comparison, in a line. */
export interface WatchedState {
  readonly name: string;
  /** Model, data and the like. */
  readonly about: string;
  readonly phase: Phase;
  /** Steps, or runs, that are done. */
  readonly done: number;
  /** All of them; null while unknown. */
  readonly total: number | null;
  readonly unit: "step" | "run";
  /** Of the unit, a second; null while unknown. */
  readonly rate: number | null;
  /** Measures of the last step; none of an experiment. */
  readonly latest: Readonly<Record<string, number>>;
  /** Grows with each change of what the details show. */
  readonly revision: number;
}

/** A run whose curves are drawn. */
export interface WatchedRun {
  readonly name: string;
  /** Colour of its curves. */
  readonly color: string;
  readonly step: number;
  /** Measures of the last step. */
  readonly latest: Readonly<Record<string, number>>;
  /** Texts of its policy, if its record has any. */
  readonly texts: readonly string[];
}

/** All that is shown of a run or an experiment, when it is opened. */
export interface WatchedDetails {
  readonly runs: readonly WatchedRun[];
  /** Runs that have the text that was asked for in their names. */
  readonly found: number;
  readonly plots: readonly Pick<Panel, "title" | "data" | "layout">[];
}

/** Something in a folder that is watched. */
export interface Watched {
  /** Reads what is new in the folder. */
  refresh(): Promise<void>;
  state(): WatchedState;
  /** @param match text in the names of runs. */
  details(match: string): Promise<WatchedDetails>;
}
