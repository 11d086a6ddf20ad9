import type { Claim } from "lib/experiment/claim.ts";
import type { Level } from "lib/experiment/grid.ts";
import { pairedEvidence, runValues } from "lib/experiment/paired_draws.ts";
import { findSetting } from "lib/experiment/summary.ts";
import { LONGEST } from "./settings.ts";
import type { Summary } from "./summary.ts";

const ONCE = {};
const AGAIN = { passes: LONGEST };
const FRESH = { pairs: LONGEST };

/** Gaps are shares of the way from π_ref to the optimum: a tenth counts. */
const COMMON = { unit: "of the way", delta: 0.1 };
const PAIRED = "paired by draw";

/** Decided before the runs. */
export const CLAIMS: readonly Claim<Summary>[] = [
  {
    loss: "dpo",
    source: {
      title: "Rafailov et al. 2023, DPO, section 4",
      url: "https://arxiv.org/abs/2305.18290",
    },
    reported: "as consistent as the fit of a Bradley–Terry model",
  },
  {
    loss: "kto",
    source: {
      title: "Ethayarajh et al. 2024, KTO",
      url: "https://arxiv.org/abs/2402.01306",
    },
    reported: "as good as preferences, from a weaker signal",
  },
].flatMap(({ loss, ...fresh }): Claim<Summary>[] => [
  {
    ...COMMON,
    ...fresh,
    id: `${loss}-fresh`,
    statement:
      `${LONGEST} times as many fresh pairs bring ${loss.toUpperCase()} nearer to its own optimum`,
    contrast: `gap after the usual pairs − after fresh ones, ${PAIRED}`,
    evidence: (summary) => fall(summary, loss, ONCE, FRESH),
  },
  {
    ...COMMON,
    id: `${loss}-again`,
    source: {
      title: "Muennighoff et al. 2023, data-constrained language models",
      url: "https://arxiv.org/abs/2305.16264",
    },
    statement:
      `${LONGEST} passes bring ${loss.toUpperCase()} less near than ${LONGEST} times as many fresh pairs`,
    reported: "4 passes are nearly as good as fresh text, many more are not",
    contrast: `gap after ${LONGEST} passes − after fresh pairs, ${PAIRED}`,
    evidence: (summary) => fall(summary, loss, AGAIN, FRESH),
  },
]);

/** By how much the gap of a loss is smaller in the second of two levels. */
function fall(
  { settings }: Summary,
  loss: string,
  ...levels: readonly [from: Level, to: Level]
) {
  const [before, after] = levels.map((level) =>
    runValues(findSetting(settings, loss, level), ({ gaps }) => gaps)
  );
  return pairedEvidence(before!, after!);
}
