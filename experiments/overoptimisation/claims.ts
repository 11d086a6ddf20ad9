import type { Claim } from "lib/experiment/claim.ts";
import {
  type DrawValue,
  pairedEvidence,
  runValues,
  valueEvidence,
} from "lib/experiment/paired_draws.ts";
import { findSetting } from "lib/experiment/summary.ts";
import { BONUS, HOLDS } from "./settings.ts";
import type { HoldSetting, Summary } from "./summary.ts";

/** Twice that of frontier: the largest of eleven checkpoints has luck in it. */
const REWARD = { unit: "reward", delta: 0.3 };

const RAFAILOV = {
  title: "Rafailov et al. 2024, overoptimisation in direct alignment, Fig. 2",
  url: "https://arxiv.org/abs/2406.02900",
};
const GAO = {
  title: "Gao et al. 2022, reward model overoptimization",
  url: "https://arxiv.org/abs/2210.10760",
};

const CALLED = { dpo: "DPO", ipo: "IPO", hinge: "SLiC's hinge" };
type LossName = keyof typeof HOLDS;

/** Decided before the runs. */
export const CLAIMS: readonly Claim<Summary>[] = [
  ...(Object.keys(HOLDS) as LossName[]).map((loss): Claim<Summary> => ({
    ...{ ...REWARD, id: `${loss}-hump`, source: RAFAILOV },
    statement: `With a proxy's labels ${
      CALLED[loss]
    } ends one pass below the gold reward that it had on the way`,
    reported: "quality falls again, often before the end of one epoch",
    contrast: `gold reward at its best checkpoint − at the end, ${
      loosest(loss)
    }, labels by the proxy`,
    evidence: (summary) => valueEvidence(fall(summary, loss, BONUS)),
  })),
  {
    ...{ ...REWARD, id: "fall-by-proxy", source: GAO },
    statement: "DPO's gold reward falls more where labels are a proxy's",
    reported: "a proxy's optimum is not that of the gold reward",
    contrast: `the same fall − that with labels by the gold reward, ${
      loosest("dpo")
    }, paired by draw`,
    evidence: (summary) =>
      pairedEvidence(fall(summary, "dpo", BONUS), fall(summary, "dpo", 0)),
  },
  {
    ...{ ...REWARD, id: "objective-hump", source: GAO },
    statement: "DPO's objective itself asks for the fall",
    reported: "gold falls where the proxy is optimised too far",
    contrast:
      `gold reward of DPO's own optimum on the proxy's labels, at the β that has most − at the smallest, exact in each draw`,
    evidence: (summary) => valueEvidence(objectiveFall(summary)),
  },
  {
    id: "gold-bends",
    ...{ unit: "reward per nat", delta: 0.15, source: GAO },
    statement: "DPO's gold reward bends down more where labels are a proxy's",
    reported: "gold is d(α − γ d) for best-of-n, d = √KL",
    contrast:
      "γ over all β and checkpoints with labels by the proxy − by the gold reward, paired by draw",
    evidence: ({ curves }) => {
      const [proxy, gold] = [BONUS, 0].map((bonus) =>
        runValues(findSetting(curves, "dpo", { bonus }), ({ bends }) => bends)
      );
      return pairedEvidence(proxy!, gold!);
    },
  },
  {
    id: "leak-by-distance",
    ...{ unit: "of probability per nat", delta: 0.02, source: RAFAILOV },
    statement:
      "The farther DPO goes, the more text it writes that no data have",
    reported: "probability moves to answers outside the data",
    contrast:
      "growth of the probability of ill-formed answers by KL, over all β and checkpoints, labels by the proxy",
    evidence: ({ curves }) =>
      valueEvidence(
        runValues(
          findSetting(curves, "dpo", { bonus: BONUS }),
          ({ leaks }) => leaks,
        ),
      ),
  },
];

/** The setting of a loss that holds it least. */
export function loosestSetting(
  settings: readonly HoldSetting[],
  loss: LossName,
  bonus: number,
): HoldSetting | undefined {
  return ofLoss(settings, loss, bonus).at(-1);
}

/** The settings of a loss at one level, from the tightest hold. */
function ofLoss(
  settings: readonly HoldSetting[],
  loss: LossName,
  bonus: number,
): HoldSetting[] {
  return settings.filter((setting) =>
    setting.loss === loss && setting.level["bonus"] === bonus
  ).toSorted((a, b) => Number(b.options["beta"]) - Number(a.options["beta"]));
}

function fall(
  { settings }: Summary,
  loss: LossName,
  bonus: number,
): DrawValue[] {
  return runValues(
    loosestSetting(settings, loss, bonus),
    ({ peaks, ends }) =>
      ends["reward"]!.map((end, i) => end === null ? null : peaks[i]! - end),
  );
}

function objectiveFall({ settings }: Summary): DrawValue[] {
  const own = ofLoss(settings, "dpo", BONUS);
  return runValues(own.at(-1), ({ runs }) =>
    runs.map((_, i) => {
      const golds = own.map(({ optima }) => {
        const found = optima[i] ?? null;
        return found && found.kind !== "none" ? found.reward : null;
      });
      const known = golds.filter((gold) => gold !== null);
      if (known.length < golds.length) return null;
      return Math.max(...known) - known.at(-1)!;
    }));
}

function loosest(loss: LossName): string {
  return `${loss === "ipo" ? "τ" : "β"} ${HOLDS[loss].at(-1)}`;
}
