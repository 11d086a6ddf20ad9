import type { Claim } from "lib/experiment/claim.ts";
import { exactDifference } from "lib/experiment/evidence.ts";
import type { Level } from "lib/experiment/grid.ts";
import {
  type DrawValue,
  pairedEvidence,
  runValues,
  valueEvidence,
} from "lib/experiment/paired_draws.ts";
import { ODDS_RATIO, PROBABILITY_RATIO } from "./ratios.ts";
import { ODDS, OFF_POLICY, PROBABILITIES } from "./settings.ts";
import type { OddsSetting, Summary } from "./summary.ts";

const URL = "https://arxiv.org/abs/2403.07691";
const FIGURE_3 = { title: "Hong et al. 2024, ORPO, figure 3", url: URL };
const FIGURE_6 = { title: "Hong et al. 2024, ORPO, figure 6", url: URL };
const FIGURE_8 = { title: "Hong et al. 2024, ORPO, figure 8", url: URL };
const FIGURE_9 = { title: "Hong et al. 2024, ORPO, figure 9", url: URL };

/** A fifth more or less probability. */
const COMMON = { unit: "nats", delta: 0.2 };
const GAIN = "mean log π/π_ref";

const SFT = "sft";
const MOST = `${ODDS} λ 1`;
const LEAST = `${ODDS} λ 0.1`;
const BY_PROBABILITIES = `${PROBABILITIES} λ 1`;

/** Decided before the runs. */
export const CLAIMS: readonly Claim<Summary>[] = [
  {
    ...COMMON,
    id: "sft-raises-rejected",
    source: FIGURE_3,
    statement: "SFT on chosen answers of another writer raises the rejected",
    reported: "both log-probabilities rise together",
    contrast: `${GAIN} of rejected answers after SFT, another writer's pairs`,
    evidence: (summary) => valueEvidence(rejected(summary, SFT, OFF_POLICY)),
  },
  {
    ...COMMON,
    id: "sft-raises-never-chosen",
    source: FIGURE_3,
    statement:
      "SFT on them also raises rejected answers that no pair has chosen",
    reported: "both log-probabilities rise together",
    contrast:
      `${GAIN} of rejected answers that no pair has chosen after SFT, another writer's pairs`,
    evidence: (summary) =>
      valueEvidence(ends(summary, SFT, OFF_POLICY, "neverChosenGain")),
  },
  {
    ...COMMON,
    id: "sft-raises-own",
    source: FIGURE_3,
    statement: "SFT on chosen answers of the model itself raises the rejected",
    reported: "both log-probabilities rise together",
    contrast: `${GAIN} of rejected answers after SFT, π_ref's own pairs`,
    evidence: (summary) => valueEvidence(rejected(summary, SFT, {})),
  },
  {
    id: "ratio-sharper",
    source: FIGURE_6,
    statement:
      "Log probability ratios are spread less than log odds ratios, for uniform probabilities",
    reported: "the probability ratio's is the sharper of two histograms",
    contrast:
      "standard deviation of the log odds ratio, less that of the log probability ratio, exact",
    unit: "nats",
    delta: 0.5,
    evidence: () =>
      exactDifference(ODDS_RATIO.deviation, PROBABILITY_RATIO.deviation),
  },
  {
    ...COMMON,
    id: "ratio-further",
    source: FIGURE_8,
    statement:
      "The probability ratio drives the rejected further down than the odds ratio",
    reported: "below −4 a token, the odds ratio only after over-fitting",
    contrast:
      `${GAIN} of rejected answers at the end, odds − probabilities, λ 1, another writer's pairs, paired by draw`,
    evidence: (summary) =>
      pairedEvidence(
        rejected(summary, MOST, OFF_POLICY),
        rejected(summary, BY_PROBABILITIES, OFF_POLICY),
      ),
  },
  {
    ...COMMON,
    id: "ratio-faster",
    source: FIGURE_8,
    statement:
      "The probability ratio drives the rejected down faster than the odds ratio",
    reported: "within few batches",
    contrast:
      `${GAIN} of rejected answers after two passes, odds − probabilities, λ 1, another writer's pairs, paired by draw`,
    evidence: (summary) =>
      pairedEvidence(
        early(summary, MOST, OFF_POLICY),
        early(summary, BY_PROBABILITIES, OFF_POLICY),
      ),
  },
  {
    ...COMMON,
    id: "lambda-separates",
    source: FIGURE_9,
    statement: "A larger λ separates chosen and rejected more",
    reported: "the widest margin at λ 1",
    contrast:
      `${GAIN} of chosen less that of rejected answers, λ 1 − λ 0.1, another writer's pairs, paired by draw`,
    evidence: (summary) =>
      pairedEvidence(
        margins(summary, MOST, OFF_POLICY),
        margins(summary, LEAST, OFF_POLICY),
      ),
  },
  {
    ...COMMON,
    id: "lambda-both-fall",
    source: FIGURE_9,
    statement: "At λ 1 both chosen and rejected fall",
    reported: "both log-probabilities fall",
    contrast:
      `the smaller fall of the two, −${GAIN}, at λ 1, another writer's pairs`,
    evidence: (summary) => valueEvidence(falls(summary, MOST, OFF_POLICY)),
  },
];

function find(
  { settings }: Summary,
  name: string,
  level: Level,
): OddsSetting | undefined {
  return settings.find((each) =>
    each.name === name && each.level["offPolicy"] === level["offPolicy"]
  );
}

/** A measure at the end of each run. */
function ends(
  summary: Summary,
  name: string,
  level: Level,
  measure: string,
): DrawValue[] {
  return runValues(find(summary, name, level), ({ ends }) => ends[measure]);
}

const rejected = (summary: Summary, name: string, level: Level) =>
  ends(summary, name, level, "rejectedGain");

const early = (summary: Summary, name: string, level: Level) =>
  runValues(find(summary, name, level), ({ early }) => early);

const margins = (summary: Summary, name: string, level: Level) =>
  combined(summary, name, level, (chosen, rejected) => chosen - rejected);

const falls = (summary: Summary, name: string, level: Level) =>
  combined(summary, name, level, (...gains) => -Math.max(...gains));

/** Of both gains of each run; `null` where one has no value. */
function combined(
  summary: Summary,
  name: string,
  level: Level,
  of: (chosen: number, rejected: number) => number,
): DrawValue[] {
  const losers = rejected(summary, name, level);
  return ends(summary, name, level, "chosenGain").map((run, i) => {
    const lost = losers[i]!.value;
    const value = run.value === null || lost === null
      ? null
      : of(run.value, lost);
    return { ...run, value };
  });
}
