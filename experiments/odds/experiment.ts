import { experiment } from "lib/experiment/experiment.ts";
import { ANSWERS_SETTINGS } from "../answers/settings.ts";
import { CLAIMS } from "./claims.ts";
import { oddsFigure } from "./figure.ts";
import * as jobs from "./jobs.ts";
import { FULL, QUICK } from "./settings.ts";
import { summarize } from "./summary.ts";

export const ODDS_EXPERIMENT = {
  name: "odds",
  question:
    "Is the odds ratio of ORPO gentler than a probability ratio, and what does SFT do to rejected answers?",
  settings: { schema: ANSWERS_SETTINGS, full: FULL, quick: QUICK },
  jobs,
  summarize,
  claims: CLAIMS,
  figure: oddsFigure,
};

export const odds = experiment(ODDS_EXPERIMENT);
