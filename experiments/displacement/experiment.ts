import { experiment } from "lib/experiment/experiment.ts";
import { CLAIMS } from "./claims.ts";
import { displacementFigure } from "./figure.ts";
import * as jobs from "./jobs.ts";
import { DISPLACEMENT_SETTINGS, FULL, QUICK } from "./settings.ts";
import { summarize } from "./summary.ts";

export const DISPLACEMENT = {
  name: "displacement",
  question:
    "Does a loss lower the answer that it is to prefer, and which answers gain?",
  settings: { schema: DISPLACEMENT_SETTINGS, full: FULL, quick: QUICK },
  jobs,
  summarize,
  claims: CLAIMS,
  figure: displacementFigure,
};

export const displacement = experiment(DISPLACEMENT);
