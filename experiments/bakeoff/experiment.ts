import type { Tuning } from "lib/experiment/definition.ts";
import { experiment } from "lib/experiment/experiment.ts";
import { BY_NET_REWARD } from "../answers/criteria.ts";
import { ANSWERS_SETTINGS, type AnswersSettings } from "../answers/settings.ts";
import { CLAIMS } from "./claims.ts";
import { entrants, leftOut } from "./entrants.ts";
import { bakeoffFigure } from "./figure.ts";
import * as jobs from "./jobs.ts";
import { FULL, QUICK } from "./settings.ts";
import { summarize } from "./summary.ts";

const TUNING: Tuning<AnswersSettings> = {
  settings: {
    ...FULL,
    ...{ draws: [1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007], seeds: [0] },
    methods: entrants().map((method) => ({ ...method, learningRate: 0 })),
  },
  learningRates: [1e-3, 3e-3, 1e-2],
  ...BY_NET_REWARD,
  constants: { ...BY_NET_REWARD.constants, leftOut: leftOut() },
  file: new URL("./tuning.json", import.meta.url),
};

export const BAKEOFF = {
  name: "bakeoff",
  question: "Does any offline preference loss beat DPO?",
  settings: { schema: ANSWERS_SETTINGS, full: FULL, quick: QUICK },
  jobs,
  summarize,
  claims: CLAIMS,
  figure: bakeoffFigure,
  tuning: TUNING,
};

export const bakeoff = experiment(BAKEOFF);
