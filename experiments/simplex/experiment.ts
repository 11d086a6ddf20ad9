import { experiment } from "lib/experiment/experiment.ts";
import { runDirectly } from "../run_directly.ts";
import { simplexFigure } from "./figure.ts";
import * as jobs from "./jobs.ts";
import { FULL, QUICK, SIMPLEX_SETTINGS } from "./settings.ts";
import { CLAIMS, summarize } from "./summary.ts";

export const SIMPLEX = {
  name: "simplex",
  question: "What does each loss do to three answers, alike and unrelated?",
  settings: { schema: SIMPLEX_SETTINGS, full: FULL, quick: QUICK },
  jobs,
  summarize,
  claims: CLAIMS,
  figure: simplexFigure,
};

export const simplex = experiment(SIMPLEX);

if (import.meta.main) await runDirectly(simplex);
