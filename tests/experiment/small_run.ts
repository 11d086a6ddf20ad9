import type { ExperimentOptions } from "lib/experiment/definition.ts";

/** The whole of an experiment, in one process without a display. */
export const SMALL_RUN: Omit<ExperimentOptions, "out"> = {
  ...{ quick: false, draws: null, seeds: null, device: "cpu", workers: 1 },
  watch: () => ({ update: () => {}, finish: () => {} }),
};
