import * as jobs from "../reviews/jobs.ts";
import type { Tuning } from "lib/experiment/definition.ts";
import { experiment } from "lib/experiment/experiment.ts";
import { runDirectly } from "../run_directly.ts";
import { regret, storedAttainable } from "../reviews/attainable.ts";
import { frontierFigure } from "./figure.ts";
import { REVIEWS_SETTINGS, type ReviewsSettings } from "../reviews/settings.ts";
import { FULL, QUICK } from "./settings.ts";
import { summarize } from "./summary.ts";

// Prices of a nat in units of reward, over which the attainable reward rises
// from 1.5 to 3.4.
const PRICES = [0.3, 0.5, 1, 2];

const TUNING: Tuning<ReviewsSettings> = {
  // The criterion reads the ends of runs only.
  settings: {
    ...FULL,
    draws: [1000, 1001],
    seeds: [0],
    evaluation: { ...FULL.evaluation, steps: FULL.evaluation.steps.slice(-1) },
  },
  // Each twice the last: at the first nothing happens, at the last most break.
  learningRates: [5e-5, 1e-4, 2e-4, 4e-4, 8e-4, 1.6e-3],
  measures: ["goldReward", "kl"],
  criterion: "the mean over prices c of a nat of " +
    "max_π (E[r] − c KL) − max(0, max over the method's settings of (E[r] − c KL)), " +
    "at the end of training",
  constants: { prices: PRICES },
  regret: (end, { reference }) =>
    regret(end, { attainable: storedAttainable(reference!), prices: PRICES }),
  file: new URL("./tuning.json", import.meta.url),
};

export const FRONTIER = {
  name: "frontier",
  question:
    "How near do preference methods come to the best reward attainable at each distance from the reference model?",
  settings: { schema: REVIEWS_SETTINGS, full: FULL, quick: QUICK },
  jobs,
  summarize,
  claims: [],
  figure: frontierFigure,
  tuning: TUNING,
};

export const frontier = experiment(FRONTIER);

if (import.meta.main) await runDirectly(frontier);
