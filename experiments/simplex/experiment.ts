import { experiment } from "lib/experiment/experiment.ts";
import { CLAIMS } from "./claims.ts";
import { simplexFigure } from "./figure.ts";
import * as jobs from "./jobs.ts";
import { SETTINGS, SIMPLEX_SETTINGS } from "./settings.ts";
import { summarize } from "./summary.ts";

export const simplex = experiment({
  name: "simplex",
  question: "What does each loss do to three answers, alike and unrelated?",
  settings: { schema: SIMPLEX_SETTINGS, full: SETTINGS, quick: SETTINGS },
  jobs,
  summarize,
  claims: CLAIMS,
  figure: simplexFigure,
});
