import type { Tuning } from "lib/experiment/definition.ts";
import { experiment } from "lib/experiment/experiment.ts";
import { BY_NET_REWARD } from "../answers/criteria.ts";
import { ANSWERS_SETTINGS, type AnswersSettings } from "../answers/settings.ts";
import { CLAIMS } from "./claims.ts";
import { gateFigure } from "./figure.ts";
import * as jobs from "./jobs.ts";
import { FULL, OWN, QUICK } from "./settings.ts";
import { summarizeGrid } from "lib/experiment/summary.ts";

const TUNING: Tuning<AnswersSettings> = {
  settings: {
    ...FULL,
    ...{ draws: [1000, 1001, 1002], seeds: [0], levels: [OWN] },
    evaluation: FULL.evaluation.slice(-1),
  },
  learningRates: [3e-4, 1e-3, 3e-3],
  ...BY_NET_REWARD,
  file: new URL("./tuning.json", import.meta.url),
};

export const GATE = {
  name: "gate",
  question: "Does a gate on the rejected gradient matter more than the loss?",
  settings: { schema: ANSWERS_SETTINGS, full: FULL, quick: QUICK },
  jobs,
  summarize: summarizeGrid,
  claims: CLAIMS,
  figure: gateFigure,
  tuning: TUNING,
};

export const gate = experiment(GATE);
