import type { Claim } from "lib/experiment/claim.ts";
import {
  type DrawValue,
  pairedEvidence,
  runValues,
  valueEvidence,
} from "lib/experiment/paired_draws.ts";
import { findSetting } from "lib/experiment/summary.ts";
import { mean } from "lib/train/metrics.ts";
import type { MicroSetting, Summary } from "./summary.ts";
import type { Place } from "../answers/world.ts";

/** A change that counts: more than π_ref gives to all ill-formed answers. */
const PROBABILITY = { unit: "of probability", delta: 0.02 };
/** As in frontier. */
const REWARD = { unit: "reward", delta: 0.15 };

const DATA: readonly Place[] = ["chosen", "rejected"];
const PAIRED = "at the end of training, paired by draw";

/** Losses that the papers say to hold the answers of the data, where DPO does not. */
const HOLDING = [
  {
    loss: "sft",
    called: "SFT",
    reported: "pushing rejected answers down squeezes the rest, SFT does not",
    source: {
      title: "Ren and Sutherland 2024, learning dynamics",
      url: "https://arxiv.org/abs/2407.10490",
    },
  },
  {
    loss: "orpo",
    called: "ORPO",
    reported: "its likelihood term holds the chosen answer",
    source: {
      title: "Hong et al. 2024, ORPO, section 4",
      url: "https://arxiv.org/abs/2403.07691",
    },
  },
  {
    loss: "cpo",
    called: "CPO",
    reported: "its likelihood term keeps to the preferred data",
    source: {
      title: "Xu et al. 2024, CPO, equation 3",
      url: "https://arxiv.org/abs/2401.08417",
    },
  },
  {
    loss: "dpop",
    called: "DPO-Positive",
    reported: "a penalty where the chosen answer falls",
    source: {
      title: "Pal et al. 2024, DPO-Positive, equation 3",
      url: "https://arxiv.org/abs/2402.13228",
    },
  },
];

/** Losses that have no reference model. */
const FREE = [
  {
    loss: "orpo",
    called: "ORPO",
    source: {
      title: "Hong et al. 2024, ORPO, equation 6",
      url: "https://arxiv.org/abs/2403.07691",
    },
  },
  {
    loss: "simpo",
    called: "SimPO",
    source: {
      title: "Meng et al. 2024, SimPO, equation 6",
      url: "https://arxiv.org/abs/2405.14734",
    },
  },
];

/** Decided before the runs. */
export const CLAIMS: readonly Claim<Summary>[] = [
  {
    ...PROBABILITY,
    id: "dpo-leaves-data",
    source: {
      title: "Xu et al. 2024, DPO and PPO, section 4",
      url: "https://arxiv.org/abs/2404.10719",
    },
    statement: "DPO takes probability from the answers of its data",
    reported: "it finds solutions that favour answers outside the data",
    contrast:
      "π(chosen and rejected answers of the data), π_ref − DPO's end, paired by draw",
    evidence: (summary) => {
      const dpo = findSetting(summary.settings, "dpo");
      return pairedEvidence(startOf(dpo, DATA), endOf(dpo, DATA));
    },
  },
  {
    ...PROBABILITY,
    id: "dpo-ill-formed",
    source: {
      title: "Razin et al. 2024, unintentional unalignment",
      url: "https://arxiv.org/abs/2410.08847",
    },
    statement:
      "DPO gives ill-formed answers more than π_ref, where its objective gives less",
    reported: "displaced likelihood goes to answers that nobody wanted",
    contrast:
      "π(ill-formed answers that the data have not), DPO's end − π_ref, paired by draw",
    evidence: (summary) => {
      const dpo = findSetting(summary.settings, "dpo");
      const start = startOf(dpo, ["illFormed"]);
      const found = pairedEvidence(endOf(dpo, ["illFormed"]), start);
      return { ...found, checks: [...found.checks, wanted(dpo)] };
    },
  },
  ...HOLDING.map(({ loss, called, ...claim }): Claim<Summary> => ({
    ...{ ...PROBABILITY, id: `${loss}-stays`, ...claim },
    statement:
      `${called} keeps more probability in the answers of the data than DPO does`,
    contrast:
      `π(chosen and rejected answers of the data), ${loss} − dpo ${PAIRED}`,
    evidence: (summary) =>
      pairedEvidence(
        endOf(findSetting(summary.settings, loss), DATA),
        endOf(findSetting(summary.settings, "dpo"), DATA),
      ),
  })),
  ...FREE.map(({ loss, called, source }): Claim<Summary> => ({
    ...{ ...REWARD, id: `${loss}-below-frontier`, source },
    statement:
      `${called}, which has no reference model, aims below the attainable reward`,
    reported: "no reference model is needed",
    contrast:
      `largest reward of any policy at the KL of ${loss}'s own optimum, less the optimum's, exact in each draw`,
    evidence: (summary) =>
      valueEvidence(shortfall(findSetting(summary.settings, loss))),
  })),
];

/** Whether DPO's own optimum gives ill-formed answers less than π_ref does. */
function wanted(dpo: MicroSetting | undefined) {
  const before = mean(dpo?.starts.illFormed ?? []);
  const there = dpo?.optimum?.illFormed;
  return {
    name: "DPO's optimum gives ill-formed answers less than π_ref does",
    passed: there !== undefined && there < before,
    found: there === undefined
      ? "no optimum"
      : `${there.toFixed(4)} against ${before.toFixed(4)}`,
  };
}

function shortfall(setting: MicroSetting | undefined): DrawValue[] {
  return runValues(
    setting,
    ({ optima }) =>
      optima.map((found) =>
        found && found.kind !== "none" ? found.attainable - found.reward : null
      ),
  );
}

/** The probability of some parts of all answers at the end of each run. */
const endOf = (setting: MicroSetting | undefined, places: readonly Place[]) =>
  runValues(setting, ({ ends }) => total(places.map((place) => ends[place]!)));

/** The same under π_ref. */
const startOf = (setting: MicroSetting | undefined, places: readonly Place[]) =>
  runValues(
    setting,
    ({ starts }) => total(places.map((place) => starts[place])),
  );

/** Sums by run; `null` where a part has no value. */
function total(parts: readonly (readonly (number | null)[])[]) {
  return parts.reduce((sums, part) =>
    sums.map((sum, i) => {
      const value = part[i] ?? null;
      return sum === null || value === null ? null : sum + value;
    })
  );
}
