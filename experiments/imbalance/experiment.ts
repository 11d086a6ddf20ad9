import { experiment } from "lib/experiment/experiment.ts";
import { ANSWERS_SETTINGS } from "../answers/settings.ts";
import { CLAIMS } from "./claims.ts";
import { imbalanceFigure } from "./figure.ts";
import * as jobs from "./jobs.ts";
import { FULL, QUICK } from "./settings.ts";
import { summarize } from "./summary.ts";

export const IMBALANCE = {
  name: "imbalance",
  question:
    "How many of the desirable or the undesirable answers can KTO do without?",
  settings: { schema: ANSWERS_SETTINGS, full: FULL, quick: QUICK },
  jobs,
  summarize,
  claims: CLAIMS,
  figure: imbalanceFigure,
};

export const imbalance = experiment(IMBALANCE);
