import type { Claim } from "lib/experiment/claim.ts";
import { type Evidence, exactEvidence } from "lib/experiment/evidence.ts";
import { digits } from "lib/experiment/figure_parts.ts";
import {
  type Flow,
  gain,
  type Geometry,
  marginGain,
  type Summary,
} from "./summary.ts";

const RAZIN = {
  title: "Razin et al. 2024, unintentional unalignment",
  url: "https://arxiv.org/abs/2410.08847",
};
const ORPO = {
  title: "Hong et al. 2024, ORPO",
  url: "https://arxiv.org/abs/2403.07691",
};

export const CLAIMS: readonly Claim<Summary>[] = [
  {
    id: "dpo-ahead",
    source: RAZIN,
    statement:
      "DPO lowers the chosen one of two alike answers where a third lies ahead",
    reported: "its likelihood falls although the margin rises",
    ...change("dpo, alike, third ahead, start − end"),
    evidence: ({ flows }) => falls(flows.filter(isOf("dpo", "ahead"))),
  },
  {
    id: "ipo-ahead",
    source: RAZIN,
    statement:
      "IPO lowers the chosen one of two alike answers where a third lies ahead",
    reported: "so do other losses of the margin alone",
    ...change("ipo, alike, third ahead, start − end"),
    evidence: ({ flows }) => falls(flows.filter(isOf("ipo", "ahead"))),
  },
  {
    id: "dpo-aside",
    source: RAZIN,
    statement:
      "DPO raises the chosen one where the third lies aside, alike as the two are",
    reported: "",
    ...change("dpo, alike, third aside, end − start"),
    evidence: ({ flows }) => rises(flows.filter(isOf("dpo", "aside"))),
  },
  {
    id: "all-aside",
    source: RAZIN,
    statement: "So does every other loss",
    reported: "",
    ...change("least of all losses, alike, third aside, end − start"),
    evidence: ({ flows }) =>
      rises(flows.filter(({ geometry }) => geometry === "aside")),
  },
  {
    id: "dpo-unrelated",
    source: RAZIN,
    statement:
      "DPO raises the chosen one where the two are unrelated, with a third ahead",
    reported: "displacement is driven by similar hidden embeddings",
    ...change("dpo, unrelated, third ahead, end − start"),
    evidence: ({ flows }) => rises(flows.filter(isOf("dpo", "unrelated"))),
  },
  {
    id: "dpop-ahead",
    source: {
      title: "Pal et al. 2024, DPO-Positive",
      url: "https://arxiv.org/abs/2402.13228",
    },
    statement: "DPO-Positive raises the chosen one where DPO lowers it",
    reported: "a penalty where the chosen one falls",
    ...change("dpop, alike, third ahead, end − start"),
    evidence: ({ flows }) => rises(flows.filter(isOf("dpop", "ahead"))),
  },
  {
    id: "orpo-ahead",
    source: ORPO,
    statement: "ORPO raises the chosen one where DPO lowers it",
    reported: "its likelihood term holds the chosen one",
    ...change("orpo, alike, third ahead, end − start"),
    evidence: ({ flows }) => rises(flows.filter(isOf("orpo", "ahead"))),
  },
  {
    id: "sft-everywhere",
    source: { ...ORPO, title: `${ORPO.title}, figure 3` },
    statement: "SFT raises the chosen one in all three geometries",
    reported: "log π of the chosen rises, and that of the rejected with it",
    ...change("sft, least of the geometries, end − start"),
    evidence: ({ flows }) => rises(flows.filter(({ loss }) => loss === "sft")),
  },
];

/** The effect of a claim about the probability of the chosen answer. */
function change(difference: string) {
  return {
    contrast: `p(chosen), ${difference}, exact`,
    unit: "of probability",
    delta: 0.01,
  };
}

const isOf = (loss: string, geometry: Geometry) => (flow: Flow) =>
  flow.loss === loss && flow.geometry === geometry;

/** A fall of the chosen answer counts where the margin rises all the same. */
function falls(flows: readonly Flow[]): Evidence {
  return leastOf(flows, (flow) => -gain(flow));
}

function rises(flows: readonly Flow[]): Evidence {
  return leastOf(flows, gain);
}

/** The least effect among flows, if there are any; all have to train. */
function leastOf(
  flows: readonly Flow[],
  effect: (flow: Flow) => number,
): Evidence {
  if (flows.length === 0) return exactEvidence(null);
  const margin = Math.min(...flows.map(marginGain));
  return exactEvidence(Math.min(...flows.map(effect)), {
    checks: [{
      name: "training raises log π(chosen)/π(rejected)",
      passed: margin > 0,
      found: `by ${digits(margin)} nats`,
    }],
  });
}
