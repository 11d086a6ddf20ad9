import type { Claim } from "lib/experiment/claim.ts";
import type { Evidence } from "lib/experiment/evidence.ts";
import {
  beyondEvidence,
  type DrawValue,
  negated,
  pairedEvidence,
  runValues,
  valueAtKl,
  valueEvidence,
} from "lib/experiment/paired_draws.ts";
import { type FrontierSetting, RUNAWAY, type Summary } from "./summary.ts";

/** Distance at which rewards are compared: most methods pass it. */
export const DISTANCE = 0.5;

/**
 * Smallest difference of rewards that matters: what a tenth of a nat buys at
 * the frontier at that distance.
 */
const REWARD_DELTA = 0.15;

const COMMON = { unit: "reward", delta: REWARD_DELTA };

const LEADS =
  "reward at 0.5 nats along training, each at the value that tuning chose, median over seeds, paired by draw";

/** Claims about the order of methods, decided before the runs. */
export const CLAIMS: readonly Claim<Summary>[] = [
  {
    ...COMMON,
    id: "kto-over-dpo",
    source: {
      title: "Ethayarajh et al. 2024, KTO, section 4.2",
      url: "https://arxiv.org/abs/2402.01306",
    },
    statement: "KTO gains more reward than DPO at equal distance",
    reported: "KTO matches or exceeds DPO from 1B to 30B",
    contrast: `KTO − DPO: ${LEADS}`,
    evidence: (summary) => lead(summary, "kto", "dpo"),
  },
  {
    ...COMMON,
    id: "orpo-over-dpo",
    source: {
      title: "Hong et al. 2024, ORPO, section 6.3",
      url: "https://arxiv.org/abs/2403.07691",
    },
    statement: "ORPO gains more reward than DPO at equal distance",
    reported: "ORPO wins more often by a reward model",
    contrast: `ORPO − DPO: ${LEADS}`,
    evidence: (summary) => lead(summary, "orpo", "dpo"),
  },
  {
    ...COMMON,
    id: "simpo-over-dpo",
    source: {
      title: "Meng et al. 2024, SimPO, table 4",
      url: "https://arxiv.org/abs/2405.14734",
    },
    statement: "SimPO gains more reward than DPO at equal distance",
    reported: "up to 6.4 points of AlpacaEval 2",
    contrast: `SimPO − DPO: ${LEADS}`,
    evidence: (summary) => lead(summary, "simpo", "dpo"),
  },
  {
    id: "dpo-runs-away",
    source: {
      title: "Xu et al. 2024, section 4",
      url: "https://arxiv.org/abs/2404.10719",
    },
    statement:
      "DPO leaves for text outside the data more often than KTO: it runs away",
    reported: "DPO finds biased solutions out of distribution",
    contrast:
      `share of runs beyond ${RUNAWAY} nats, DPO − KTO, over all values, paired by draw`,
    unit: "of the runs",
    delta: 0.1,
    evidence: (summary) => {
      const [dpo, kto] = ["dpo", "kto"].map((loss) =>
        settingsOf(summary, loss).flatMap(distancesOf)
      );
      return beyondEvidence(dpo!, kto!, RUNAWAY);
    },
  },
  {
    id: "dpo-lowers-chosen",
    source: {
      title: "Pal et al. 2024, DPO-Positive, section 3",
      url: "https://arxiv.org/abs/2402.13228",
    },
    statement: "DPO lowers the probability of the chosen completions too",
    reported: "log π of the chosen falls on pairs that are alike",
    contrast:
      "−log π/π_ref of held-out chosen completions at the end, at the value that tuning chose, median over seeds",
    unit: "nats",
    delta: 0.1,
    evidence: (summary) =>
      valueEvidence(
        negated(
          runValues(chosen(summary, "dpo"), ({ ends }) => ends["chosen"]),
        ),
      ),
  },
  {
    id: "training-not-objective",
    source: {
      title: "Rafailov et al. 2023, DPO, equation 4",
      url: "https://arxiv.org/abs/2305.18290",
    },
    statement:
      "Training, not the objective, keeps DPO from the attainable reward",
    reported: "the optimum of DPO's objective is on the frontier",
    contrast:
      "share of the attainable reward at DPO's own optimum, exact, less that of the run at its own KL, at the value that tuning chose, median over seeds",
    unit: "of the attainable reward",
    delta: 0.1,
    evidence: (summary) =>
      valueEvidence(
        runValues(
          chosen(summary, "dpo"),
          ({ shares }) => shares.map((share) => 1 - share),
        ),
      ),
  },
];

function lead(summary: Summary, loss: string, other: string): Evidence {
  return pairedEvidence(
    rewardsAt(chosen(summary, loss)),
    rewardsAt(chosen(summary, other)),
  );
}

function rewardsAt(setting: FrontierSetting | undefined): DrawValue[] {
  return runValues(setting, ({ paths }) =>
    paths.map((points) => {
      const [start, ...path] = points.map(({ kl, reward }) => ({
        ...{ kl, value: reward },
      }));
      // Every run starts at the same reward, of which each sample is noisy.
      return valueAtKl([{ ...start!, value: 0 }, ...path], DISTANCE);
    }));
}

const distancesOf = (setting: FrontierSetting) =>
  runValues(setting, ({ ends }) => ends["kl"]);

/** The loss that a claim sets above DPO at that distance, if it is of this kind. */
export function leaderOf({ id }: Pick<Claim<never>, "id">): string | undefined {
  return id.match(/^(.*)-over-dpo$/)?.[1];
}

/** The setting of a loss that tuning chose. */
export function chosen(
  summary: Pick<Summary, "settings">,
  loss: string,
): FrontierSetting | undefined {
  const own = settingsOf(summary, loss);
  return own.find(({ isChosen }) => isChosen) ?? own[0];
}

/** A loss at each of its values. */
export function settingsOf(
  { settings }: Pick<Summary, "settings">,
  loss: string,
): readonly FrontierSetting[] {
  return settings.filter((setting) => setting.loss === loss);
}
