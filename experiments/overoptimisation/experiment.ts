import type { Tuning } from "lib/experiment/definition.ts";
import { experiment } from "lib/experiment/experiment.ts";
import { BY_POPULATION_LOSS } from "../answers/criteria.ts";
import { ANSWERS_SETTINGS, type AnswersSettings } from "../answers/settings.ts";
import { CLAIMS } from "./claims.ts";
import { overoptimisationFigure } from "./figure.ts";
import * as jobs from "./jobs.ts";
import { FULL, QUICK } from "./settings.ts";
import { summarize } from "./summary.ts";

const TUNING: Tuning<AnswersSettings> = {
  settings: {
    ...FULL,
    ...{ draws: [1000, 1001, 1002], seeds: [0], optima: false },
    levels: FULL.levels.slice(-1),
    evaluation: FULL.evaluation.slice(-1),
  },
  learningRates: [3e-4, 1e-3, 3e-3],
  ...BY_POPULATION_LOSS,
  file: new URL("./tuning.json", import.meta.url),
};

export const OVEROPTIMISATION = {
  name: "overoptimisation",
  question:
    "When does more distance from the reference model cost gold reward?",
  settings: { schema: ANSWERS_SETTINGS, full: FULL, quick: QUICK },
  jobs,
  summarize,
  claims: CLAIMS,
  figure: overoptimisationFigure,
  tuning: TUNING,
};

export const overoptimisation = experiment(OVEROPTIMISATION);
