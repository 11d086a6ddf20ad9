import type { Experiment } from "lib/experiment/experiment.ts";
import { runDirectly } from "../run_directly.ts";
import { rebuild } from "./rebuild.ts";
import { reproduce } from "./reproduce.ts";
import { runFrontier } from "./run_frontier.ts";
import { FULL, QUICK } from "./settings.ts";
import { tune } from "./tune.ts";

export const frontier: Experiment = {
  name: "frontier",
  question:
    "How near do preference methods come to the best reward attainable at each distance from the reference model?",
  run: ({ quick, seeds, ...options }) => {
    const settings = quick ? QUICK : FULL;
    const counted = Array.from({ length: seeds ?? 0 }, (_, i) => i + 1);
    return runFrontier(
      { ...settings, seeds: seeds === null ? settings.seeds : counted },
      options,
    );
  },
  tune,
  rebuild,
  reproduce,
};

if (import.meta.main) await runDirectly(frontier);
