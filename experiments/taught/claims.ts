import type { Claim } from "lib/experiment/claim.ts";
import { type Evidence, exactDifference } from "lib/experiment/evidence.ts";
import { SETTINGS } from "./settings.ts";
import { endOf, flowOf, type FormFlow, type Summary } from "./summary.ts";

const DPO = {
  title: "Rafailov et al. 2023, DPO, equation 7",
  url: "https://arxiv.org/abs/2305.18290",
};

const AT_END = `at time ${SETTINGS.time}`;
/** Some flows still move at the end: a difference is that of one time. */
const LOG_ODDS = { unit: `nats ${AT_END}`, delta: 0.5 };

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
        optima.find(({ loss }) => loss === name)?.reward
      );
      return exactDifference(dpo, turned);
    },
  },
  {
    id: "rejected",
    source: DPO,
    statement: "With both rewards of the rejected answer, DPO learns nothing",
    reported: "r(x,y) = β log π(y|x)/π_ref(y|x)",
    contrast:
      `change of log π(y_w)/π(y_l), DPO's less the form's, ${AT_END}, exact`,
    ...LOG_ODDS,
    evidence: (summary) =>
      difference(summary, ["dpo", "dpo-rejected"], ([flow]) => change(flow)),
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
      `distance of log π(y_w)/π(y_l) from two references, KTO's less the form's, ${AT_END}, exact`,
    ...LOG_ODDS,
    evidence: (summary) =>
      difference(
        summary,
        ["kto", "kto-pairwise"],
        ([one, other]) => Math.abs(endOf(one) - endOf(other)),
      ),
  },
  {
    id: "ratio",
    source: {
      title: "Hong et al. 2024, ORPO, equation 6",
      url: "https://arxiv.org/abs/2403.07691",
    },
    statement: "As a bare ratio, ORPO does not stop",
    reported: "NLL(y_w) − λ log σ of the log odds ratio",
    contrast: `log π(y_w)/π(y_l), the form's less ORPO's, ${AT_END}, exact`,
    ...LOG_ODDS,
    evidence: (summary) =>
      difference(summary, ["orpo-ratio", "orpo"], ([flow]) => endOf(flow)),
  },
];

/** The measure of one form less that of another, each from both references. */
function difference(
  summary: Summary,
  forms: readonly [string, string],
  measure: (flows: readonly [FormFlow, FormFlow]) => number,
): Evidence {
  const [first, second] = forms.map((loss) => {
    const [one, other] = [0, 1].map((start) => flowOf(summary, loss, start));
    return one && other ? measure([one, other]) : null;
  });
  return exactDifference(first, second);
}

/** How far training moves a form. */
function change(flow: FormFlow): number {
  return Math.abs(endOf(flow) - flow.path[0]!.logOdds);
}
