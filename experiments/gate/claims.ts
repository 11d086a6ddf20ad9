import type { Claim } from "lib/experiment/claim.ts";
import {
  type DrawValue,
  endValues,
  negated,
  pairedEvidence,
  valueEvidence,
} from "lib/experiment/paired_draws.ts";
import type { GridSummary } from "lib/experiment/summary.ts";
import { ONE_RATE, OWN } from "./settings.ts";

const GATE = {
  title: "Gate-DPO 2026, Pythia-410M",
  url: "https://arxiv.org/abs/2605.02626",
};
/** A fifth more or less probable. */
const COMMON = { unit: "nats", delta: 0.2 };
const GAIN = "mean of log π − log π_ref";
const PAIRED = "at the end of training, paired by draw";

const RATES = [
  { id: "one-rate", called: "at one rate for all", level: ONE_RATE },
  { id: "tuned", called: "at tuned rates", level: OWN },
];

/** Decided before the runs. */
export const CLAIMS: readonly Claim<GridSummary>[] = [
  ...[
    { measure: "chosenGain", called: "chosen", reported: "−11.90 nats" },
    { measure: "unrelatedGain", called: "unrelated", reported: "−27.55 nats" },
  ].map(({ measure, called, reported }): Claim<GridSummary> => ({
    ...{ ...COMMON, id: `dpo-${called}`, source: GATE, reported },
    statement: `DPO lowers ${called} answers`,
    contrast:
      `minus the ${GAIN} of ${called} answers, dpo at one rate, by draw`,
    evidence: (summary) =>
      valueEvidence(
        negated(endValues(summary, "dpo", ONE_RATE, measure)),
      ),
  })),
  ...RATES.map(({ id, called, level }): Claim<GridSummary> => ({
    ...{ ...COMMON, id: `gate-chosen-${id}`, source: GATE },
    statement: `The gate raises DPO's chosen answers, ${called}`,
    reported: "from −11.90 to 1.17 nats",
    contrast: `${GAIN} of chosen answers, gate-dpo − dpo, ${PAIRED}`,
    evidence: (summary) =>
      pairedEvidence(
        endValues(summary, "gate-dpo", level, "chosenGain"),
        endValues(summary, "dpo", level, "chosenGain"),
      ),
  })),
  ...RATES.map(({ id, called, level }): Claim<GridSummary> => ({
    ...{ ...COMMON, id: `gate-over-base-${id}`, source: GATE },
    statement: `The gate matters more than the loss under it, ${called}`,
    reported: "the gate matters, the base loss hardly",
    contrast:
      `${GAIN} of chosen answers, (gate-dpo − dpo) − |gate-dpo − gate-ipo|, ${PAIRED}`,
    evidence: (summary) => {
      const of = (loss: string) =>
        endValues(summary, loss, level, "chosenGain");
      const gated = of("gate-dpo");
      return pairedEvidence(
        difference(gated, of("dpo")),
        difference(gated, of("gate-ipo"), Math.abs),
      );
    },
  })),
  ...[
    {
      loss: "cal-dpo",
      called: "Cal-DPO",
      reported: "from −11.90 to 1.03 nats",
    },
    {
      ...{ loss: "dpo-shift", called: "DPO-Shift" },
      reported: "from −11.90 to −10.60 nats",
    },
  ].map(({ loss, called, reported }): Claim<GridSummary> => ({
    ...{ ...COMMON, id: `${loss}-chosen`, source: GATE, reported },
    statement: `${called} keeps chosen answers above DPO's`,
    contrast: `${GAIN} of chosen answers, ${loss} − dpo at one rate, ${PAIRED}`,
    evidence: (summary) =>
      pairedEvidence(
        endValues(summary, loss, ONE_RATE, "chosenGain"),
        endValues(summary, "dpo", ONE_RATE, "chosenGain"),
      ),
  })),
];

/** The difference of two methods in each run. */
function difference(
  a: readonly DrawValue[],
  b: readonly DrawValue[],
  form = (x: number) => x,
): DrawValue[] {
  return a.map((run, i) => {
    const other = b[i]?.value ?? null;
    if (run.value === null || other === null) return { ...run, value: null };
    return { ...run, value: form(run.value - other) };
  });
}
