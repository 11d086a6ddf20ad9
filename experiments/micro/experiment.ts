import type { Tuning } from "lib/experiment/definition.ts";
import { experiment } from "lib/experiment/experiment.ts";
import { CLAIMS } from "./claims.ts";
import { BY_NET_REWARD } from "../answers/criteria.ts";
import { ANSWERS_SETTINGS, type AnswersSettings } from "../answers/settings.ts";
import { microFigure } from "./figure.ts";
import * as jobs from "../answers/jobs.ts";
import { FULL, QUICK } from "./settings.ts";
import { summarize } from "./summary.ts";

const TUNING: Tuning<AnswersSettings> = {
  settings: {
    ...FULL,
    ...{ draws: [1000, 1001, 1002], seeds: [0], optima: false },
    evaluation: FULL.evaluation.slice(-1),
  },
  learningRates: [1e-3, 3e-3, 1e-2],
  ...BY_NET_REWARD,
  file: new URL("./tuning.json", import.meta.url),
};

export const MICRO = {
  name: "micro",
  question:
    "Where does the probability go that a preference loss takes from answers?",
  settings: { schema: ANSWERS_SETTINGS, full: FULL, quick: QUICK },
  jobs,
  summarize,
  claims: CLAIMS,
  figure: microFigure,
  tuning: TUNING,
};

export const micro = experiment(MICRO);
