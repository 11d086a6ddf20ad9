import type { Claim, Finding } from "lib/experiment/claim.ts";
import { pairedEvidence, runValues } from "lib/experiment/paired_draws.ts";
import { findSetting } from "lib/experiment/summary.ts";
import type { Verdict } from "lib/plot/figure.ts";
import { DPO, METHODS } from "./settings.ts";
import type { Summary } from "./summary.ts";

/** The smallest difference of interest, as in frontier. */
export const DELTA = 0.15;
/** The loss that the paper finds to be worse than DPO. */
const WORSE = "simpo";

const SOURCE = {
  title: "Li 2026, Do post-training algorithms actually differ?, abstract",
  url: "https://arxiv.org/abs/2603.19335",
};
const GAIN = "E[r] − 0.5 KL at the end of training";

/**
 * Each loss against DPO, decided before the runs; Holm's rule covers them all.
 * The paper's own finding comes first.
 */
export const CLAIMS: readonly Claim<Summary>[] = METHODS
  .filter(({ loss }) => loss !== DPO)
  .toSorted((a, b) => Number(b.loss === WORSE) - Number(a.loss === WORSE))
  .map(({ loss }) => ({
    ...{ id: `${loss}-against-dpo`, source: SOURCE, unit: "reward" },
    delta: DELTA,
    ...loss === WORSE
      ? {
        statement: `${loss} does worse than DPO`,
        reported: "−11.5 points on GSM8K, p < 1e-4",
        contrast: `${GAIN}, ${DPO} − ${loss}, paired by draw`,
        evidence: (summary) => against(summary, DPO, loss),
      }
      : {
        statement: `${loss} does better than DPO`,
        reported: "none of 20 variants does, after Bonferroni's correction",
        contrast: `${GAIN}, ${loss} − ${DPO}, paired by draw`,
        evidence: (summary) => against(summary, loss, DPO),
      },
  }));

function against({ settings }: Summary, one: string, other: string) {
  const gains = (loss: string) =>
    runValues(findSetting(settings, loss), ({ gains }) => gains);
  return pairedEvidence(gains(one), gains(other));
}

/** A loss less DPO, whatever its claim says. */
export interface Contest {
  readonly loss: string;
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
  readonly pAdjusted: number;
  /** Shown where the loss does better, opposite where it does worse. */
  readonly verdict: Verdict;
  /** The difference in each draw. */
  readonly values: readonly number[];
}

/** The contests that have an interval, the best loss first. */
export function contestsOf(findings: readonly Finding[]): Contest[] {
  return findings.flatMap((finding) => {
    const { id, estimate, low, high, pAdjusted } = finding;
    if (estimate === null || low === null || high === null) return [];
    const loss = id.replace("-against-dpo", "");
    const found = { loss, pAdjusted: pAdjusted ?? 1 };
    const { verdict, values } = finding;
    return loss === WORSE
      ? {
        ...{ ...found, estimate: -estimate, low: -high, high: -low },
        ...{ verdict: mirrored(finding), values: values.map((x) => -x) },
      }
      : { ...found, estimate, low, high, verdict, values };
  }).toSorted((a, b) => b.estimate - a.estimate);
}

/** The verdict that the claim of the other side would have. */
function mirrored({ verdict, low, delta }: Finding): Verdict {
  if (verdict === "shown") return "opposite";
  if (verdict === "opposite") return "shown";
  return low !== null && -low <= delta ? "not shown" : "not testable";
}
