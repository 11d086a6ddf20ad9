import type { Claim } from "lib/experiment/claim.ts";
import { pairedEvidence, runValues } from "lib/experiment/paired_draws.ts";
import { findSetting } from "lib/experiment/summary.ts";
import { PER_TOKEN } from "./settings.ts";
import { GAIN, type LengthSetting, type Summary } from "./summary.ts";

/** A tenth of a token is a thirtieth of an answer of π_ref. */
const TOKENS = { unit: "tokens", delta: 0.1 };
const BIASED = { perToken: PER_TOKEN };
const FAIR = { perToken: 0 };
const WHERE = `where gold has first risen by ${GAIN}`;

const R_DPO = {
  title: "Park et al. 2024, R-DPO",
  url: "https://arxiv.org/abs/2403.19159",
};
const LD_DPO = {
  title: "Liu et al. 2024, LD-DPO",
  url: "https://arxiv.org/abs/2409.06411",
};
const SIMPO = {
  title: "Meng et al. 2024, SimPO",
  url: "https://arxiv.org/abs/2405.14734",
};

/** Losses that are to write shorter than DPO at the same quality. */
const SHORTER = [
  {
    ...{ loss: "r-dpo", called: "R-DPO", source: R_DPO },
    reported: "prevents length exploitation, and keeps the gain in quality",
  },
  {
    ...{ loss: "ld-dpo", called: "LD-DPO", source: LD_DPO },
    reported: "10 to 40 % shorter than DPO",
  },
  {
    ...{ loss: "ln-dpo", called: "Length-normalized DPO", source: SIMPO },
    reported: "a mean over tokens does not favour long answers",
  },
  {
    ...{ loss: "simpo", called: "SimPO", source: SIMPO },
    reported: "better answers that are not much longer",
  },
];

const atGain = ({ atGain }: LengthSetting) => atGain;
const ends = (measure: string) => ({ ends }: LengthSetting) => ends[measure];

/** Decided before the runs. */
export const CLAIMS: readonly Claim<Summary>[] = [
  {
    ...{ ...TOKENS, id: "dpo-learns-bias", source: R_DPO },
    statement: "DPO writes longer where labels like length",
    reported: "exploits the length bias of preferences",
    contrast:
      `tokens ${WHERE}, labels that like tokens − labels that do not, paired by draw`,
    evidence: ({ settings }) =>
      pairedEvidence(
        runValues(findSetting(settings, "dpo", BIASED), atGain),
        runValues(findSetting(settings, "dpo", FAIR), atGain),
      ),
  },
  {
    ...{ ...TOKENS, id: "dpo-beyond-data", source: R_DPO },
    statement: "DPO writes longer than the chosen answers that it learns from",
    reported: "lengths far beyond those of the data",
    contrast:
      "tokens at the end of training − those of chosen answers, labels that like tokens",
    evidence: ({ settings }) => {
      const dpo = findSetting(settings, "dpo", BIASED);
      return pairedEvidence(
        runValues(dpo, ends("tokens")),
        runValues(dpo, ends("chosenTokens")),
      );
    },
  },
  {
    ...{ ...TOKENS, id: "dpo-own-bias", source: LD_DPO },
    statement: "DPO writes longer even where labels do not like length",
    reported: "its gradient is sensitive to length by itself",
    contrast:
      `tokens ${WHERE} − those of π_ref, labels that do not like tokens`,
    evidence: ({ settings }) => {
      const dpo = findSetting(settings, "dpo", FAIR);
      return pairedEvidence(
        runValues(dpo, atGain),
        runValues(dpo, ({ starts }) => starts),
      );
    },
  },
  ...SHORTER.map(({ loss, called, ...claim }): Claim<Summary> => ({
    ...{ ...TOKENS, id: `${loss}-shorter`, ...claim },
    statement: `${called} writes shorter than DPO at the same gold reward`,
    contrast:
      `tokens ${WHERE}, dpo − ${loss}, labels that like tokens, paired by draw`,
    evidence: ({ settings }) =>
      pairedEvidence(
        runValues(findSetting(settings, "dpo", BIASED), atGain),
        runValues(findSetting(settings, loss, BIASED), atGain),
      ),
  })),
  {
    id: "simpo-correlation",
    ...{ unit: "of correlation", delta: 0.1, source: SIMPO },
    statement:
      "SimPO's mean log-probability of a token rises less with length than DPO's",
    reported: "Spearman's ρ 0.34, DPO 0.59",
    contrast:
      "correlation with tokens over chosen answers at the end of training, dpo − simpo, labels that like tokens, paired by draw",
    evidence: ({ settings }) =>
      pairedEvidence(
        runValues(findSetting(settings, "dpo", BIASED), ends("correlation")),
        runValues(findSetting(settings, "simpo", BIASED), ends("correlation")),
      ),
  },
];
