import { experiment } from "lib/experiment/experiment.ts";
import * as jobs from "../frontier/jobs.ts";
import { trainReference } from "../frontier/reference_model.ts";
import { FRONTIER_SETTINGS } from "../frontier/settings.ts";
import { runDirectly } from "../run_directly.ts";
import { betaFigure } from "./figure.ts";
import { FULL, QUICK } from "./settings.ts";
import { summarize } from "./summary.ts";

export const BETA = {
  name: "beta",
  question:
    "Over which values of β, or of ORPO's λ, does a method's gold reward stay within the seeds' spread of its best?",
  settings: { schema: FRONTIER_SETTINGS, full: FULL, quick: QUICK },
  prepare: trainReference,
  jobs,
  summarize,
  figure: betaFigure,
};

export const beta = experiment(BETA);

if (import.meta.main) await runDirectly(beta);
