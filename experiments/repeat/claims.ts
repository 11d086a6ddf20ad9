import type { Claim } from "lib/experiment/claim.ts";
import { type Evidence, exactEvidence } from "lib/experiment/evidence.ts";
import {
  type DrawValue,
  pairedEvidence,
  valueEvidence,
} from "lib/experiment/paired_draws.ts";
import type { Result, Summary } from "./summary.ts";

/** A factor matters if it moves a result by more than this share. */
export const MATTERS = 0.1;

const UNIT = { unit: "of the DPO–KTO difference" };
/** Beyond the share that matters, whatever there is counts. */
const BEYOND = { ...UNIT, delta: 0.005 };
const SAME = { unit: "of the runs", delta: 1 };

const VARIANCE_URL = "https://arxiv.org/abs/2103.03098";
const VARIANCE = {
  title: "Bouthillier et al. 2021, variance in benchmarks, section 2.2",
  url: VARIANCE_URL,
};
const IN_REWARD = "of DPO's reward at the end of training, over the levels of";
const OF = "in units of the mean DPO–KTO difference, by draw";

/** Decided before the runs. */
export const CLAIMS: readonly Claim<Summary>[] = [
  {
    ...{ ...BEYOND, id: "pairs-matter", source: VARIANCE },
    statement: "Other pairs move a result",
    reported: "the sample of data is the most important source of variance",
    contrast:
      `standard deviation ${IN_REWARD} the pairs, less ${MATTERS}, ${OF}`,
    evidence: (summary) => matters(summary, "pairs"),
  },
  {
    ...{ ...BEYOND, id: "order-matters" },
    source: {
      title: "Dodge et al. 2020, fine-tuning, section 4",
      url: "https://arxiv.org/abs/2002.06305",
    },
    statement: "Another order of the same pairs moves a result",
    reported: "order adds as much variance as new weights do",
    contrast:
      `standard deviation ${IN_REWARD} the order, less ${MATTERS}, ${OF}`,
    evidence: (summary) => matters(summary, "order"),
  },
  {
    ...{ ...BEYOND, id: "model-matters" },
    source: { title: "earlier runs of frontier", url: "" },
    statement: "Another reference model of the same recipe moves a result",
    reported: "",
    contrast:
      `standard deviation ${IN_REWARD} the reference model, less ${MATTERS}, ${OF}`,
    evidence: (summary) => matters(summary, "model"),
  },
  {
    ...{ ...UNIT, delta: 0.1, id: "pairs-more-than-order", source: VARIANCE },
    statement: "Other pairs move a result more than another order does",
    reported: "order has less than half of the variance of data",
    contrast: `standard deviation ${IN_REWARD} the pairs − the order, ${OF}`,
    evidence: (summary) =>
      pairedEvidence(
        movesOf(summary, "pairs", "dpo"),
        movesOf(summary, "order", "dpo"),
      ),
  },
  {
    ...{ ...UNIT, delta: 0.1, id: "sharing-pairs-helps" },
    source: {
      title: "Bouthillier et al. 2021, variance in benchmarks, appendix C.2",
      url: VARIANCE_URL,
    },
    statement: "A comparison in which both methods share the pairs varies less",
    reported: "what both share marginalises out of the difference",
    contrast:
      `standard deviation of DPO − KTO in reward over the pairs, of both apart − on the same, ${OF}`,
    evidence: sharingHelps,
  },
  {
    ...{ ...BEYOND, id: "four-bits-do-not-matter" },
    source: {
      title: "Dettmers et al. 2023, QLoRA",
      url: "https://arxiv.org/abs/2305.14314",
    },
    statement: "A reference model in 4 bits leaves a result as it is",
    reported: "4 bits keep the task performance of 16 (NF4, adapters)",
    contrast:
      `${MATTERS} less the distance of DPO's reward from that at 32 bits, ${OF}`,
    evidence: (summary) =>
      pairedEvidence(
        movesOf(summary, "bits4", "dpo").map((each) => ({
          ...each,
          value: MATTERS,
        })),
        movesOf(summary, "bits4", "dpo"),
      ),
  },
  {
    ...{ ...SAME, id: "parts-same-bits" },
    source: {
      title: "Hugging Face 2024, fixing gradient accumulation",
      url: "https://huggingface.co/blog/gradient_accumulation",
    },
    statement: "A batch computed in parts gives the same bits",
    reported: "losses were other ones in parts, and were mended",
    contrast: "share of runs in parts that end with the same bits, exact",
    evidence: (summary) => sameBits(summary, "microTokens"),
  },
  {
    ...{ ...SAME, id: "threads-same-bits" },
    source: { title: "this engine's own promise", url: "" },
    statement: "Two threads give the same bits as one",
    reported: "",
    contrast: "share of runs on two threads that end with the same bits, exact",
    evidence: (summary) => sameBits(summary, "threads"),
  },
];

function factorOf({ factors }: Summary, id: string) {
  return factors.find((factor) => factor.id === id);
}

/** How far a factor moves a reward, in units of the difference. */
function movesOf(summary: Summary, id: string, result: Result): DrawValue[] {
  const { points, units } = summary;
  const moves = factorOf(summary, id)?.moves.reward[result] ?? [];
  return moves.map((move, i) => ({
    ...points[i]!,
    value: move === null ? null : move / units.reward,
  }));
}

/** Above 0 where a factor moves DPO's reward by more than the share that matters. */
function matters(summary: Summary, id: string): Evidence {
  return valueEvidence(
    movesOf(summary, id, "dpo").map((each) => ({
      ...each,
      value: each.value === null ? null : each.value - MATTERS,
    })),
  );
}

/** Above 0 where the difference varies less than two methods apart would. */
function sharingHelps(summary: Summary): Evidence {
  const [dpo, kto, shared] = (["dpo", "kto", "difference"] as const)
    .map((result) => movesOf(summary, "pairs", result));
  const apart = dpo!.map((each, i) => {
    const other = kto![i]!.value;
    return {
      ...each,
      value: each.value === null || other === null
        ? null
        : Math.hypot(each.value, other),
    };
  });
  return pairedEvidence(apart, shared!);
}

function sameBits(summary: Summary, id: string): Evidence {
  return exactEvidence(factorOf(summary, id)?.same ?? null);
}
