import { experiment } from "lib/experiment/experiment.ts";
import { ANSWERS_SETTINGS } from "../answers/settings.ts";
import { CLAIMS } from "./claims.ts";
import { repeatFigure } from "./figure.ts";
import * as jobs from "./jobs.ts";
import { FULL, QUICK } from "./settings.ts";
import { summarize } from "./summary.ts";

export const REPEAT = {
  name: "repeat",
  question: "What moves a result, beside the method?",
  settings: { schema: ANSWERS_SETTINGS, full: FULL, quick: QUICK },
  jobs,
  summarize,
  claims: CLAIMS,
  figure: repeatFigure,
};

export const repeat = experiment(REPEAT);
