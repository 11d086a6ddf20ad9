import type { Claim } from "lib/experiment/claim.ts";
import {
  drawsEvidence,
  type Evidence,
  exactEvidence,
} from "lib/experiment/evidence.ts";
import { type DrawValue, pairedEvidence } from "lib/experiment/paired_draws.ts";
import { ASSUMED } from "./settings.ts";
import type { NoiseMethod, Summary } from "./summary.ts";

const KTO = {
  title: "Ethayarajh et al. 2024, KTO, theorem 4.3",
  url: "https://arxiv.org/abs/2402.01306",
};
const ROBUST = {
  title: "Chowdhury et al. 2024, robust DPO, theorem 4.2",
  url: "https://arxiv.org/abs/2403.00409",
};
const CDPO = {
  title: "Mitchell 2023, a note on DPO with noisy preferences",
  url: "https://ericmitchell.ai/cdpo.pdf",
};

/** In units of reward: what a tenth of a nat buys at half a nat. */
const COMMON = { unit: "reward", delta: 0.15 };

const DPO = "dpo β 1";
const CAUTIOUS = `dpo β 1 ε ${ASSUMED}`;
const UNBIASED = `robust β 1 ε ${ASSUMED}`;
const FALL = "fall of the reward from the least to the most flipped labels";

/** Decided before the runs. */
export const CLAIMS: readonly Claim<Summary>[] = [
  {
    ...COMMON,
    id: "kto-optimum-flat",
    source: KTO,
    statement: "Flipped labels move DPO's optimum, not KTO's",
    reported: "KTO follows the majority",
    contrast: `${FALL}, of DPO's optimum less that of KTO's, exact`,
    evidence: (summary) => exactFall(summary, DPO, "kto β 1"),
  },
  {
    ...COMMON,
    id: "kto-trained-flat",
    source: KTO,
    statement: "Flipped labels cost trained DPO more than trained KTO",
    reported: "KTO follows the majority",
    contrast: `${FALL}, DPO's less KTO's, paired by draw`,
    evidence: (summary) => trainedFall(summary, DPO, "kto β 1"),
  },
  {
    ...COMMON,
    id: "robust-optimum",
    source: ROBUST,
    statement: "Robust DPO's optimum undoes the flips that it assumes",
    reported: "an unbiased loss",
    contrast:
      `reward of the optimum at ${ASSUMED} flipped, robust DPO's less DPO's, exact`,
    evidence: (summary) => {
      const [robust, dpo] = [UNBIASED, DPO].map((name) =>
        optimumAt(methodOf(summary, name), ASSUMED)
      );
      return robust === null || dpo === null
        ? nothing(summary)
        : exactEvidence(robust! - dpo!);
    },
  },
  {
    ...COMMON,
    id: "robust-trained",
    source: ROBUST,
    statement: "Trained on the flips that it assumes, robust DPO gains more",
    reported: "higher win rates at 20 to 40 % flips",
    contrast: `reward at ${ASSUMED} flipped, robust DPO − DPO, paired by draw`,
    evidence: (summary) => lead(summary, UNBIASED),
  },
  {
    ...COMMON,
    id: "cdpo-trained",
    source: CDPO,
    statement: "Trained on the flips that it assumes, cDPO gains more",
    reported: "conservative targets guard against noise",
    contrast: `reward at ${ASSUMED} flipped, cDPO − DPO, paired by draw`,
    evidence: (summary) => lead(summary, CAUTIOUS),
  },
];

function exactFall(summary: Summary, name: string, other: string): Evidence {
  const [a, b] = [name, other].map((each) => {
    const flips = methodOf(summary, each)?.byFlip ?? [];
    const [first, last] = [flips[0]?.optimum, flips.at(-1)?.optimum];
    return first && last ? first.reward - last.reward : null;
  });
  return a === null || b === null ? nothing(summary) : exactEvidence(a! - b!);
}

function trainedFall(summary: Summary, name: string, other: string): Evidence {
  const falls = [name, other].map((each) => {
    const flips = methodOf(summary, each)?.byFlip ?? [];
    const [first, last] = [flips[0], flips.at(-1)].map(rewardsOf);
    return first!.map((run, i) => ({
      ...run,
      value: difference(run.value, last![i]!.value),
    }));
  });
  return pairedEvidence(falls[0]!, falls[1]!, {
    seeds: summary.seeds.length,
  });
}

function lead(summary: Summary, name: string): Evidence {
  const [own, dpo] = [name, DPO].map((each) =>
    rewardsOf(
      methodOf(summary, each)?.byFlip.find(({ flip }) => flip === ASSUMED),
    )
  );
  return pairedEvidence(own!, dpo!, { seeds: summary.seeds.length });
}

/** Without an optimum on both sides there is nothing to compare. */
function nothing({ seeds }: Summary): Evidence {
  return drawsEvidence([], { seeds: seeds.length });
}

function rewardsOf(setting: NoiseMethod["byFlip"][number] | undefined) {
  const rewards = setting?.ends["goldReward"] ?? [];
  return (setting?.runs ?? []).map((run, i): DrawValue => ({
    ...run,
    value: rewards[i] ?? null,
  }));
}

function difference(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a - b;
}

function optimumAt(method: NoiseMethod | undefined, share: number) {
  const found = method?.byFlip.find(({ flip }) => flip === share);
  return found?.optimum?.reward ?? null;
}

function methodOf({ methods }: Summary, wanted: string) {
  return methods.find(({ name }) => name === wanted);
}
