import { experiment } from "lib/experiment/experiment.ts";
import type { ExperimentRuns } from "lib/experiment/summary.ts";
import * as jobs from "../reviews/jobs.ts";
import { REVIEWS_SETTINGS, type ReviewsSettings } from "../reviews/settings.ts";
import { CLAIMS } from "./claims.ts";
import { noiseFigure } from "./figure.ts";
import { powerOf, type SizedSummary } from "./power.ts";
import { FULL, QUICK } from "./settings.ts";
import { summarize } from "./summary.ts";

export const NOISE = {
  name: "noise",
  question: "Which preference losses survive labels that are flipped?",
  settings: { schema: REVIEWS_SETTINGS, full: FULL, quick: QUICK },
  jobs,
  summarize: (runs: ExperimentRuns<ReviewsSettings>): SizedSummary => ({
    ...summarize(runs),
    power: powerOf(CLAIMS),
  }),
  claims: CLAIMS,
  figure: noiseFigure,
};

export const noise = experiment(NOISE);
