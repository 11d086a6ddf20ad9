import { experiment } from "lib/experiment/experiment.ts";
import { ANSWERS_SETTINGS } from "../answers/settings.ts";
import { CLAIMS } from "./claims.ts";
import { squeezeFigure } from "./figure.ts";
import * as jobs from "./jobs.ts";
import { FULL, QUICK } from "./settings.ts";
import { summarizeGrid } from "lib/experiment/summary.ts";

export const SQUEEZE = {
  name: "squeeze",
  question:
    "Does pushing unlikely answers down squeeze probability into the likeliest?",
  settings: { schema: ANSWERS_SETTINGS, full: FULL, quick: QUICK },
  jobs,
  summarize: summarizeGrid,
  claims: CLAIMS,
  figure: squeezeFigure,
};

export const squeeze = experiment(SQUEEZE);
