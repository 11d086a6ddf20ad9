import * as v from "valibot";
import type { Claim } from "lib/experiment/claim.ts";
import { exactEvidence } from "lib/experiment/evidence.ts";
import type { ExperimentRuns } from "lib/experiment/summary.ts";
import type { TaughtSettings } from "./settings.ts";

/** A form from one reference: log π(chosen)/π(rejected) along time. */
export interface FormFlow {
  readonly loss: string;
  readonly start: number;
  readonly path: readonly { readonly time: number; readonly logOdds: number }[];
}

/** The optimum of a form in the world of reviews, or why there is none. */
export interface FormOptimum {
  readonly loss: string;
  readonly reward: number | null;
  readonly kl: number | null;
  readonly why: string | null;
}

export interface Summary {
  readonly flows: readonly FormFlow[];
  readonly optima: readonly FormOptimum[];
}

const OPTIMA = v.array(v.object({
  loss: v.string(),
  reward: v.optional(v.nullable(v.number()), null),
  kl: v.optional(v.nullable(v.number()), null),
  why: v.optional(v.nullable(v.string()), null),
}));

/** @throws Error where the record of the optima is missing. */
export function summarize(
  { exact, bySetting }: ExperimentRuns<TaughtSettings>,
): Summary {
  return {
    optima: v.parse(OPTIMA, exact?.record.summary["optima"]),
    flows: bySetting.map(({ method, level, runs }) => ({
      loss: method.loss,
      start: level["start"]!,
      path: runs[0]!.rows.map(({ time, logOdds }) => ({
        ...{ time: time!, logOdds: logOdds! },
      })),
    })),
  };
}

const DPO = {
  title: "Rafailov et al. 2023, DPO, equation 7",
  url: "https://arxiv.org/abs/2305.18290",
};
const LOG_ODDS = { unit: "nats", delta: 0.5 };

/** Decided before the curves were drawn. */
export const CLAIMS: readonly Claim<Summary>[] = [
  {
    id: "turned",
    source: DPO,
    statement: "With its sign turned, DPO learns the opposite",
    reported: "−log σ(r_w − r_l)",
    contrast:
      "gold reward at the optimum, DPO's less that of the turned form, β 1, exact",
    ...{ unit: "reward", delta: 0.15 },
    evidence: ({ optima }) => {
      const [dpo, turned] = ["dpo", "dpo-turned"].map((name) =>
        optima.find(({ loss }) => loss === name)?.reward ?? NaN
      );
      return exactEvidence(dpo! - turned!);
    },
  },
  {
    id: "rejected",
    source: DPO,
    statement: "With both rewards of the rejected answer, DPO learns nothing",
    reported: "r(x,y) = β log π(y|x)/π_ref(y|x)",
    contrast: "change of log π(y_w)/π(y_l), DPO's less the form's, exact",
    ...LOG_ODDS,
    evidence: (summary) =>
      exactEvidence(
        Math.abs(change(summary, "dpo")) -
          Math.abs(change(summary, "dpo-rejected")),
      ),
  },
  {
    id: "pairwise",
    source: {
      title: "Ethayarajh et al. 2024, KTO, equation 8",
      url: "https://arxiv.org/abs/2402.01306",
    },
    statement: "As a pairwise score, KTO forgets its reference",
    reported: "rewards are log π/π_ref",
    contrast:
      "distance of the ends from two references, KTO's less the form's, exact",
    ...LOG_ODDS,
    evidence: (summary) =>
      exactEvidence(spread(summary, "kto") - spread(summary, "kto-pairwise")),
  },
  {
    id: "ratio",
    source: {
      title: "Hong et al. 2024, ORPO, equation 6",
      url: "https://arxiv.org/abs/2403.07691",
    },
    statement: "As a bare ratio, ORPO does not stop",
    reported: "NLL(y_w) − λ log σ of the log odds ratio",
    contrast:
      "log π(y_w)/π(y_l) at the end of the flow, the form's less ORPO's, exact",
    ...LOG_ODDS,
    evidence: (summary) =>
      exactEvidence(
        endOf(summary, "orpo-ratio", 0) - endOf(summary, "orpo", 0),
      ),
  },
];

function flowOf({ flows }: Summary, loss: string, start: number): FormFlow {
  const found = flows.find((flow) =>
    flow.loss === loss && flow.start === start
  );
  if (found) return found;
  throw new Error(`Cannot judge ${loss}: it has no flow`);
}

function endOf(summary: Summary, loss: string, start: number): number {
  return flowOf(summary, loss, start).path.at(-1)!.logOdds;
}

function change(summary: Summary, loss: string): number {
  return endOf(summary, loss, 0) - flowOf(summary, loss, 0).path[0]!.logOdds;
}

/** How far apart a form ends from the two references. */
function spread(summary: Summary, loss: string): number {
  return Math.abs(endOf(summary, loss, 1) - endOf(summary, loss, 0));
}
