import type { Claim } from "lib/experiment/claim.ts";
import { pairedEvidence, runValues } from "lib/experiment/paired_draws.ts";
import { LARGEST } from "./settings.ts";
import { findForm, type Form, type Summary } from "./summary.ts";

/** As in frontier. */
const NET = { unit: "reward", delta: 0.15 };
const GROUP = {
  title: "Leng et al. 2026, GroupDPO, abstract",
  url: "https://arxiv.org/abs/2604.15602",
};
const SEVERAL = "several answers of a prompt beat a single pair";
const BEST_NET =
  "best E[r] − 0.5 KL on the way of training, paired by draw, with lists of 8";
const ANSWERS = "from as many answers in all and in a step";
const COST = "with as many pairs in a step";

type Which = { form: Form; list?: number; cost?: boolean };

/** Decided before the runs. */
export const CLAIMS: readonly Claim<Summary>[] = [
  {
    ...{ ...NET, id: "lists-beat-pairs", source: GROUP, reported: SEVERAL },
    statement: "Ranked lists of eight beat pairs made of as many answers",
    contrast: `${BEST_NET}: listwise DPO − DPO on pairs, ${ANSWERS}`,
    evidence: (summary) => compared(summary, { form: "list" }),
  },
  {
    ...{ ...NET, id: "all-pairs-beat-pairs", source: GROUP },
    reported: SEVERAL,
    statement: "All pairs of lists of eight beat pairs made of as many answers",
    contrast: `${BEST_NET}: DPO on all pairs − DPO on pairs, ${ANSWERS}`,
    evidence: (summary) => compared(summary, { form: "all" }),
  },
  {
    ...{ ...NET, id: "all-pairs-beat-pairs-at-cost", source: GROUP },
    reported: SEVERAL,
    statement: "They do so at the same cost of a step, too",
    contrast: `${BEST_NET}: DPO on all pairs − DPO on pairs, ${COST}`,
    evidence: (summary) => compared(summary, { form: "all", cost: true }),
  },
  {
    ...{ ...NET, id: "lists-beat-all-pairs" },
    source: {
      title: "Rafailov et al. 2023, DPO, appendix A.3",
      url: "https://arxiv.org/abs/2305.18290",
    },
    statement: "A list as a whole beats all of its pairs",
    reported: "it is the likelihood of the ranking; no comparison there",
    contrast: `${BEST_NET}: listwise DPO − DPO on all pairs, ${ANSWERS}`,
    evidence: (summary) => compared(summary, { form: "list" }, { form: "all" }),
  },
  {
    ...{ ...NET, id: "extremes-beat-pairs-at-cost" },
    source: {
      title: "Pace et al. 2024, West-of-N",
      url: "https://arxiv.org/abs/2401.12086",
    },
    statement:
      "The best against the worst of eight beats a pair at the same cost of a step",
    reported: "best against worst makes better reward models",
    contrast:
      `${BEST_NET}: DPO on best against worst − DPO on pairs, ${COST}, four times the answers drawn and ranked`,
    evidence: (summary) => compared(summary, { form: "extremes", cost: true }),
  },
];

/** The best net of one form less that of another, by default of pairs. */
function compared(
  summary: Summary,
  a: Which,
  b: Which = { form: "all", list: 2 },
) {
  const [ofA, ofB] = [a, b].map((which) =>
    runValues(
      findForm(summary, { list: LARGEST, ...which }),
      ({ bests }) => bests,
    )
  );
  return pairedEvidence(ofA!, ofB!);
}
