import { experiment } from "lib/experiment/experiment.ts";
import { ANSWERS_SETTINGS } from "../answers/settings.ts";
import { CLAIMS } from "./claims.ts";
import { groupFigure } from "./figure.ts";
import * as jobs from "./jobs.ts";
import { FULL, QUICK } from "./settings.ts";
import { summarize } from "./summary.ts";

export const GROUP = {
  name: "group",
  question: "Do several answers of a prompt teach more than a pair does?",
  settings: { schema: ANSWERS_SETTINGS, full: FULL, quick: QUICK },
  jobs,
  summarize,
  claims: CLAIMS,
  figure: groupFigure,
};

export const group = experiment(GROUP);
