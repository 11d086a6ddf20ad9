import type { Claim } from "lib/experiment/claim.ts";
import type { Check, Evidence } from "lib/experiment/evidence.ts";
import { digits } from "lib/experiment/figure_parts.ts";
import {
  type DrawValue,
  endValues,
  negated,
  pairedEvidence,
  runValues,
  valueEvidence,
} from "lib/experiment/paired_draws.ts";
import { findSetting } from "lib/experiment/summary.ts";
import { quantile } from "lib/stats/interval.ts";
import { ALIKE, ALONE, DOSES, FILTERED, HALVED } from "./settings.ts";
import type { Summary } from "./summary.ts";

const RAZIN = {
  title: "Razin et al. 2024, unintentional unalignment",
  url: "https://arxiv.org/abs/2410.08847",
};
/** A fifth more or less probable. */
const NATS = { unit: "nats", delta: 0.2 };
const PROBABILITY = { unit: "of probability", delta: 0.02 };
const GAIN = "mean of log π − log π_ref of the chosen answers";
const PAIRED = "at the end of training, paired by draw";
const UNALIKE = DOSES[0]!;
/** Accuracy that a remedy may cost. */
const ACCURACY = 0.05;

/** Remedies, and where each was proposed. */
const REMEDIES = [
  {
    loss: "dpo+sft",
    called: "DPO with the chosen answer's likelihood added",
    source: {
      title: "Pang et al. 2024, iterative reasoning preference optimization",
      url: "https://arxiv.org/abs/2404.19733",
    },
  },
  {
    loss: "dpop",
    called: "DPO-Positive",
    source: {
      title: "Pal et al. 2024, DPO-Positive, equation 3",
      url: "https://arxiv.org/abs/2402.13228",
    },
  },
  {
    loss: "simpo",
    called: "SimPO",
    source: {
      title: "Meng et al. 2024, SimPO, equation 6",
      url: "https://arxiv.org/abs/2405.14734",
    },
  },
  {
    loss: "gate-dpo",
    called: "Gate-DPO",
    source: {
      title: "Gate-DPO 2026",
      url: "https://arxiv.org/abs/2605.02626",
    },
  },
];

/** Decided before the runs. */
export const CLAIMS: readonly Claim<Summary>[] = [
  ...["dpo", "ipo"].map((loss): Claim<Summary> => ({
    ...{ ...NATS, id: `${loss}-dose`, source: RAZIN },
    statement:
      `The more alike the two answers, the less ${loss.toUpperCase()} raises the chosen one`,
    reported: "displacement is driven by similar embeddings",
    contrast:
      `${GAIN}, ${loss} on the least alike pairs − on the most alike, ${PAIRED}`,
    evidence: (summary) =>
      pairedEvidence(
        endValues(summary, loss, UNALIKE, "chosenGain"),
        endValues(summary, loss, ALIKE, "chosenGain"),
      ),
  })),
  {
    ...{ ...NATS, id: "dpo-falls", source: RAZIN },
    statement: "DPO lowers the chosen answers of the most alike pairs",
    reported: "the preferred answer's likelihood falls",
    contrast: `minus the ${GAIN}, dpo on the most alike pairs, by draw`,
    evidence: (summary) =>
      toldApart(
        summary,
        valueEvidence(
          negated(endValues(summary, "dpo", ALIKE, "chosenGain")),
        ),
      ),
  },
  {
    ...{ ...PROBABILITY, delta: 0.1, id: "dpo-share", source: RAZIN },
    statement: "DPO lowers more chosen answers of alike pairs than of others",
    reported: "",
    unit: "of pairs",
    contrast:
      `share of pairs whose chosen answer is less probable than under π_ref, dpo on the most alike − on the least alike, ${PAIRED}`,
    evidence: (summary) =>
      pairedEvidence(
        endValues(summary, "dpo", ALIKE, "fell"),
        endValues(summary, "dpo", UNALIKE, "fell"),
      ),
  },
  {
    ...{ ...PROBABILITY, id: "dpo-opposite", source: RAZIN },
    statement:
      "Rejecting the stronger of two answers of one stance raises the opposite stance",
    reported: "preferring No over Never sharply raises Yes",
    contrast:
      "change of the probability of the other stance's answers, dpo on the most alike pairs: mean over pairs of one stance whose rejected answer is the stronger − whose is the weaker, by draw",
    evidence: (summary) =>
      pairedEvidence(
        endValues(summary, "dpo", ALIKE, "oppositeOfStronger"),
        endValues(summary, "dpo", ALIKE, "oppositeOfWeaker"),
      ),
  },
  ...REMEDIES.map(({ loss, called, source }): Claim<Summary> => ({
    ...{ ...NATS, id: `${loss}-remedy`, source },
    statement: `${called} keeps the chosen answers of alike pairs above DPO's`,
    reported: "",
    contrast: `${GAIN}, ${loss} − dpo on the most alike pairs, ${PAIRED}`,
    evidence: (summary) =>
      asAccurate(
        summary,
        loss,
        pairedEvidence(
          endValues(summary, loss, ALIKE, "chosenGain"),
          endValues(summary, "dpo", ALIKE, "chosenGain"),
        ),
      ),
  })),
  {
    ...{ ...NATS, delta: 0.1, id: "filter-remedy", source: RAZIN },
    statement:
      "Leaving out the more alike half of its pairs raises DPO's chosen answers",
    reported: "filtering by similarity mitigates unalignment",
    contrast:
      `${GAIN} of all pairs, dpo on the less alike half of π_ref's own − on any half, ${PAIRED}`,
    evidence: (summary) =>
      pairedEvidence(
        endValues(summary, "dpo", FILTERED, "chosenGain"),
        endValues(summary, "dpo", HALVED, "chosenGain"),
      ),
  },
  {
    ...{ ...PROBABILITY, delta: 0.05, id: "dpo-alone", source: RAZIN },
    statement: "Trained on one prompt alone, DPO lowers the chosen answer",
    reported: "one prompt and answers of one token are enough",
    contrast:
      "π(chosen) under π_ref − at the end of training, dpo on one of the most alike pairs, by draw",
    evidence: ({ settings }) => {
      const alone = findSetting(settings, "dpo", ALONE);
      return valueEvidence(
        runValues(
          alone,
          ({ chosenPaths }) =>
            chosenPaths.map((path) => path[0]! - path.at(-1)!),
        ),
      );
    },
  },
];

/** Evidence that counts only where training tells alike pairs apart. */
function toldApart(summary: Summary, evidence: Evidence): Evidence {
  const [chosen, rejected] = ["chosenGain", "rejectedGain"].map((measure) =>
    middle(endValues(summary, "dpo", ALIKE, measure))
  );
  const margin = chosen! - rejected!;
  return withCheck(evidence, {
    name: "training raises log π(chosen)/π(rejected)",
    passed: margin > 0,
    found: `by ${digits(margin)} nats`,
  });
}

/** Evidence that counts only where a remedy tells about as many pairs apart. */
function asAccurate(
  summary: Summary,
  loss: string,
  evidence: Evidence,
): Evidence {
  const [own, plain] = [loss, "dpo"].map((each) =>
    middle(endValues(summary, each, ALIKE, "accuracy"))
  );
  return withCheck(evidence, {
    name: `its accuracy is at most ${ACCURACY} below DPO's`,
    passed: own! >= plain! - ACCURACY,
    found: `${digits(own!)} against ${digits(plain!)}`,
  });
}

function withCheck(evidence: Evidence, check: Check): Evidence {
  return { ...evidence, checks: [...evidence.checks, check] };
}

/** The median of the values that there are; `NaN` without one. */
function middle(runs: readonly DrawValue[]): number {
  const values = runs.flatMap(({ value }) => value ?? []);
  return values.length === 0 ? NaN : quantile(values, 0.5);
}
