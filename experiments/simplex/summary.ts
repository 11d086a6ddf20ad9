import type { Claim } from "lib/experiment/claim.ts";
import { exactEvidence } from "lib/experiment/evidence.ts";
import { nameOf } from "lib/experiment/figure_parts.ts";
import type { ExperimentRuns } from "lib/experiment/summary.ts";
import type { SimplexSettings } from "./settings.ts";

/** Probabilities of the chosen answer, the rejected one and the other. */
export type Shares = readonly [number, number, number];

/** The way of a loss in one geometry. */
export interface Flow {
  readonly name: string;
  readonly loss: string;
  readonly isAlike: boolean;
  readonly path: readonly Shares[];
}

export interface Summary {
  readonly flows: readonly Flow[];
}

export function summarize(
  { bySetting }: ExperimentRuns<SimplexSettings>,
): Summary {
  return {
    flows: bySetting.map(({ method, level, runs }) => ({
      name: nameOf(method),
      loss: method.loss,
      isAlike: level["alike"] === 1,
      path: runs[0]!.rows.map(({ chosen, rejected, other }): Shares => [
        chosen!,
        rejected!,
        other!,
      ]),
    })),
  };
}

const RAZIN = {
  title: "Razin et al. 2024, unintentional unalignment",
  url: "https://arxiv.org/abs/2410.08847",
};

/** The geometry of likeness has a third answer opposite; see the README. */
export const CLAIMS: readonly Claim<Summary>[] = [
  {
    id: "dpo-alike",
    source: RAZIN,
    statement:
      "DPO lowers the chosen answer where the two are alike and a third is opposite",
    reported: "its likelihood falls although the margin rises",
    ...change("alike", "start − end"),
    evidence: (summary) => exactEvidence(-gain(summary, "dpo", true)),
  },
  {
    id: "dpo-unrelated",
    source: RAZIN,
    statement: "DPO raises the chosen answer where the two are unrelated",
    reported: "displacement is driven by similar hidden embeddings",
    ...change("unrelated", "end − start"),
    evidence: (summary) => exactEvidence(gain(summary, "dpo", false)),
  },
  {
    id: "ipo-alike",
    source: RAZIN,
    statement:
      "IPO lowers the chosen answer where the two are alike and a third is opposite",
    reported: "so do other losses of the margin alone",
    ...change("alike", "start − end"),
    evidence: (summary) => exactEvidence(-gain(summary, "ipo", true)),
  },
  {
    id: "dpop-alike",
    source: {
      title: "Pal et al. 2024, DPO-Positive",
      url: "https://arxiv.org/abs/2402.13228",
    },
    statement: "DPO-Positive raises the chosen answer even so",
    reported: "a penalty where the chosen one falls",
    ...change("alike", "end − start"),
    evidence: (summary) => exactEvidence(gain(summary, "dpop", true)),
  },
  {
    id: "orpo-alike",
    source: {
      title: "Hong et al. 2024, ORPO",
      url: "https://arxiv.org/abs/2403.07691",
    },
    statement: "ORPO raises the chosen answer even so",
    reported: "its likelihood term holds the chosen one",
    ...change("alike", "end − start"),
    evidence: (summary) => exactEvidence(gain(summary, "orpo", true)),
  },
];

/** The effect of a claim about the probability of the chosen answer. */
function change(geometry: string, difference: string) {
  return {
    contrast: `p(chosen), ${difference}, answers ${geometry}, exact`,
    unit: "of probability",
    delta: 0.01,
  };
}

/** Change of the probability of the chosen answer. */
export function gain(
  { flows }: Summary,
  loss: string,
  isAlike: boolean,
): number {
  const flow = flows.find((each) =>
    each.loss === loss && each.isAlike === isAlike
  );
  if (!flow) throw new Error(`Cannot judge ${loss}: it has no flow`);
  return flow.path.at(-1)![0] - flow.path[0]![0];
}
