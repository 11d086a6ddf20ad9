import { experiment } from "lib/experiment/experiment.ts";
import { CLAIMS } from "./claims.ts";
import { taughtFigure } from "./figure.ts";
import * as jobs from "./jobs.ts";
import { SETTINGS, TAUGHT_SETTINGS } from "./settings.ts";
import { summarize } from "./summary.ts";

export const taught = experiment({
  name: "taught",
  question:
    "Do the forms under which these losses are often taught do what the papers' forms do?",
  settings: { schema: TAUGHT_SETTINGS, full: SETTINGS, quick: SETTINGS },
  jobs,
  summarize,
  claims: CLAIMS,
  figure: taughtFigure,
});
