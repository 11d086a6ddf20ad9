import type { Claim } from "lib/experiment/claim.ts";
import type { Evidence } from "lib/experiment/evidence.ts";
import type { Level } from "lib/experiment/grid.ts";
import {
  type DrawValue,
  pairedEvidence,
  runValues,
} from "lib/experiment/paired_draws.ts";
import { findSetting } from "lib/experiment/summary.ts";
import { MOST, type Side } from "./settings.ts";
import { netReward } from "../answers/criteria.ts";
import type { ImbalanceSetting, Summary } from "./summary.ts";

const URL = "https://arxiv.org/abs/2402.01306";
const DROPPED = { title: "Ethayarajh et al. 2024, KTO, section 4.3", url: URL };
const RULE = {
  title: "Ethayarajh et al. 2024, KTO, its rule for weights",
  url: URL,
};

/** By how much a win rate may be smaller than DPO's, and still be no worse. */
export const MARGIN = 0.05;
/** Beyond the margin, whatever there is counts. */
const NOT_WORSE = { unit: "of wins", delta: 0.005 };
/** As in frontier. */
const NET = { unit: "reward", delta: 0.15 };

const SHARE = `${100 * MOST} %`;
const SIDES: readonly { side: Side; id: string }[] = [
  { side: "dropDesirable", id: "desirable" },
  { side: "dropUndesirable", id: "undesirable" },
];

const levelOf = (side: Side): Level => ({ [side]: MOST });

/** Decided before the runs. */
export const CLAIMS: readonly Claim<Summary>[] = [
  {
    ...{ ...NOT_WORSE, id: "all-not-worse", source: DROPPED },
    statement: "KTO on all labels is not worse than DPO on all pairs",
    reported: "as good or better from 1B to 30B parameters",
    contrast: contrastOf("KTO on all labels"),
    evidence: (summary) =>
      notWorse(summary, findKto(summary, { level: {}, isWeighted: false })),
  },
  ...SIDES.map(({ side, id }): Claim<Summary> => ({
    ...{ ...NOT_WORSE, id: `few-${id}-not-worse`, source: DROPPED },
    statement:
      `With a tenth of the ${id} answers and weights by the rule, KTO is not worse than DPO on all pairs`,
    reported: side === "dropDesirable"
      ? "Llama-7B at one tenth still beats DPO, λ_D 13.33"
      : "the same where undesirable ones are dropped",
    contrast: contrastOf(`weighted KTO with ${SHARE} of the ${id} dropped`),
    evidence: (summary) =>
      notWorse(
        summary,
        findKto(summary, { level: levelOf(side), isWeighted: true }),
      ),
  })),
  ...SIDES.map(({ side, id }): Claim<Summary> => ({
    ...{ ...NET, id: `weights-help-few-${id}`, source: RULE },
    statement:
      `With a tenth of the ${id} answers, weights by the rule serve KTO`,
    reported: "λ_D n_D / (λ_U n_U) in [1, 4/3]",
    contrast:
      `E[r] − 0.5 KL at the end of training, weighted − unweighted, ${SHARE} of the ${id} dropped, paired by draw`,
    evidence: (summary) => weightsHelp(summary, side, netsOf),
  })),
  ...SIDES.map(({ side, id }): Claim<Summary> => ({
    ...{ ...NET, id: `optimum-needs-weights-few-${id}`, source: RULE },
    statement:
      `With a tenth of the ${id} answers, weights by the rule serve KTO's optimum`,
    reported: "λ_D n_D / (λ_U n_U) in [1, 4/3]",
    contrast:
      `E[r] − 0.5 KL of KTO's own optimum, weighted − unweighted, ${SHARE} of the ${id} dropped, exact in each draw`,
    evidence: (summary) => weightsHelp(summary, side, optimumNetsOf),
  })),
  {
    ...{ ...NET, id: "desirable-cost-more", source: DROPPED },
    statement:
      "Desirable answers cost weighted KTO more to lose than undesirable ones",
    reported: "both are dropped there, and not compared",
    contrast:
      `E[r] − 0.5 KL at the end of training, weighted KTO, ${SHARE} of the undesirable dropped − of the desirable, paired by draw`,
    evidence: (summary) => {
      const [desirable, undesirable] = SIDES.map(({ side }) =>
        netsOf(findKto(summary, { level: levelOf(side), isWeighted: true }))
      );
      return pairedEvidence(undesirable!, desirable!);
    },
  },
];

function contrastOf(kto: string): string {
  return `win rate against π_ref, ${kto} − DPO, plus the ${MARGIN} by which it may be worse, paired by draw`;
}

function findKto(
  { settings }: Summary,
  { level, isWeighted }: { level: Level; isWeighted: boolean },
): ImbalanceSetting | undefined {
  const wanted = settings.filter((each) => each.isWeighted === isWeighted);
  return findSetting(wanted, "kto", level);
}

type Setting = ImbalanceSetting | undefined;

const winsOf = (setting: Setting, more = 0): DrawValue[] =>
  runValues(
    setting,
    ({ ends }) =>
      ends["winRate"]!.map((value) => value === null ? null : value + more),
  );

const netsOf = (setting: Setting): DrawValue[] =>
  runValues(setting, ({ nets }) => nets);

const optimumNetsOf = (setting: Setting): DrawValue[] =>
  runValues(setting, ({ optima }) => optima.map(netReward));

/** Above 0 where a win rate is not below DPO's by the margin. */
function notWorse(summary: Summary, kto: Setting): Evidence {
  return pairedEvidence(
    winsOf(kto, MARGIN),
    winsOf(findSetting(summary.settings, "dpo")),
  );
}

function weightsHelp(
  summary: Summary,
  side: Side,
  valuesOf: (setting: Setting) => DrawValue[],
): Evidence {
  const [weighted, unweighted] = [true, false].map((isWeighted) =>
    valuesOf(findKto(summary, { level: levelOf(side), isWeighted }))
  );
  return pairedEvidence(weighted!, unweighted!);
}
