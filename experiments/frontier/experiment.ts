import * as jobs from "../reviews/jobs.ts";
import type { Tuning } from "lib/experiment/definition.ts";
import { experiment } from "lib/experiment/experiment.ts";
import { CLAIMS } from "./claims.ts";
import { frontierFigure } from "./figure.ts";
import {
  atEnd,
  REVIEWS_SETTINGS,
  type ReviewsSettings,
} from "../reviews/settings.ts";
import { FULL, QUICK } from "./settings.ts";
import { summarize } from "./summary.ts";

/**
 * Reward that a nat has to buy. At this price the best policy of all is at 1.9
 * nats, so that staying at π_ref loses as much as running away.
 */
const PRICE = 0.5;

const TUNING: Tuning<ReviewsSettings> = {
  // The criterion reads the ends of runs only.
  settings: {
    ...FULL,
    draws: [1000, 1001, 1002, 1003],
    seeds: [0],
    evaluation: atEnd(FULL.evaluation),
  },
  // Each twice the last: at the first nothing happens, at the last most break.
  learningRates: [5e-5, 1e-4, 2e-4, 4e-4, 8e-4, 1.6e-3, 3.2e-3],
  measures: ["goldReward", "kl"],
  criterion:
    "median of c KL − E[r] at the end of training, c the price of a nat",
  constants: { price: PRICE },
  regret: ({ goldReward, kl }) => PRICE * kl! - goldReward!,
  file: new URL("./tuning.json", import.meta.url),
};

export const FRONTIER = {
  name: "frontier",
  question:
    "How near do preference methods come to the best reward attainable at each distance from the reference model?",
  settings: { schema: REVIEWS_SETTINGS, full: FULL, quick: QUICK },
  jobs,
  summarize,
  claims: CLAIMS,
  figure: frontierFigure,
  tuning: TUNING,
};

export const frontier = experiment(FRONTIER);
