import type { Claim } from "lib/experiment/claim.ts";
import {
  endValues,
  negated,
  pairedEvidence,
  valueEvidence,
} from "lib/experiment/paired_draws.ts";
import type { GridSummary } from "lib/experiment/summary.ts";
import { EXTENDED, PLAIN } from "./settings.ts";

const REN = {
  title: "Ren and Sutherland 2024, learning dynamics",
  url: "https://arxiv.org/abs/2407.10490",
};

/** A fifth more or less probable. */
const COMMON = { unit: "nats", delta: 0.2 };
const TOP = "change of log π of the likeliest string that no pair has";
const END = "at the end of training";

/** Decided before the runs. */
export const CLAIMS: readonly Claim<GridSummary>[] = [
  {
    ...{ ...COMMON, id: "dpo-raises-top", source: REN },
    statement: "On unlikely pairs, DPO raises the likeliest answer beside them",
    reported: "mass is squeezed into the likeliest answer",
    contrast: `${TOP}, dpo ${END}, by draw`,
    evidence: (summary) =>
      valueEvidence(endValues(summary, "dpo", PLAIN, "topGain")),
  },
  {
    ...{ ...COMMON, id: "dpo-lowers-chosen", source: REN },
    statement: "On unlikely pairs, DPO lowers the chosen answers too",
    reported: "the desired output becomes less likely, too",
    contrast: `minus the mean change of log π(chosen), dpo ${END}, by draw`,
    evidence: (summary) =>
      valueEvidence(
        negated(endValues(summary, "dpo", PLAIN, "chosenGain")),
      ),
  },
  {
    ...{ ...COMMON, id: "extension-mitigates", source: REN },
    statement: "After SFT on both answers, DPO raises it less",
    reported: "SFT on both answers before DPO mitigates the squeezing",
    contrast:
      `${TOP} in dpo's own training, without − with SFT before, paired by draw`,
    evidence: (summary) =>
      pairedEvidence(
        endValues(summary, "dpo", PLAIN, "topGain"),
        endValues(summary, "dpo", EXTENDED, "topGain"),
      ),
  },
  {
    ...{ ...COMMON, id: "gate-mitigates" },
    source: { title: "Gate-DPO 2026", url: "https://arxiv.org/abs/2605.02626" },
    statement: "With a gate on the rejected gradient, DPO raises it less",
    reported: "the gate stops pushing answers that are unlikely already",
    contrast: `${TOP}, dpo − gate-dpo ${END}, paired by draw`,
    evidence: (summary) =>
      pairedEvidence(
        endValues(summary, "dpo", PLAIN, "topGain"),
        endValues(summary, "gate-dpo", PLAIN, "topGain"),
      ),
  },
];
