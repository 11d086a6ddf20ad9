import { experiment } from "lib/experiment/experiment.ts";
import * as jobs from "../reviews/jobs.ts";
import { REVIEWS_SETTINGS } from "../reviews/settings.ts";
import { CLAIMS } from "./claims.ts";
import { gapFigure } from "./figure.ts";
import { FULL, QUICK } from "./settings.ts";
import { summarize } from "./summary.ts";

export const GAP = {
  name: "gap",
  question:
    "Does more data or more passes bring DPO and KTO nearer to where their own objective wants to go?",
  settings: { schema: REVIEWS_SETTINGS, full: FULL, quick: QUICK },
  jobs,
  summarize,
  claims: CLAIMS,
  figure: gapFigure,
};

export const gap = experiment(GAP);
