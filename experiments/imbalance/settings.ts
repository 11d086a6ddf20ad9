import type { Level } from "lib/experiment/grid.ts";
import { type AnswersSettings, WORLD } from "../answers/settings.ts";

/** The labels that are dropped, as a share of theirs. */
export type Side = "dropDesirable" | "dropUndesirable";

/** The largest share of a label that is dropped, and one on the way there. */
export const MOST = 0.9;
const HALF = 0.5;

const dropped = (side: Side, share: number): Level => ({ [side]: share });

const LEVELS: readonly Level[] = [
  {},
  ...(["dropDesirable", "dropUndesirable"] as const).flatMap((side) =>
    [HALF, MOST].map((share) => dropped(side, share))
  ),
];

/**
 * Weights by the paper's rule, λ_D n_D / (λ_U n_U) in [1, 4/3], at its upper
 * end as there, with the smaller of both at 1.
 */
const WEIGHTED = [
  { options: { desirableWeight: 1.33 }, level: {} },
  {
    options: { desirableWeight: 2.67 },
    level: dropped("dropDesirable", HALF),
  },
  {
    options: { desirableWeight: 13.33 },
    level: dropped("dropDesirable", MOST),
  },
  {
    options: { undesirableWeight: 1.5 },
    level: dropped("dropUndesirable", HALF),
  },
  {
    options: { undesirableWeight: 7.5 },
    level: dropped("dropUndesirable", MOST),
  },
];

/** The same data again: no more than a name for runs at a smaller rate. */
const SLOW: Level = { ...dropped("dropDesirable", MOST), slow: 1 };

/** The rates that micro chose for them. */
const DPO = { loss: "dpo", options: { beta: 1 }, learningRate: 1e-3 };
const KTO = { loss: "kto", options: { beta: 1 }, learningRate: 3e-3 };

export const FULL: AnswersSettings = {
  draws: Array.from({ length: 12 }, (_, draw) => draw),
  seeds: [1],
  levels: [...LEVELS],
  methods: [
    // Of the dropped labels' pairs, DPO has those that are whole.
    { ...DPO, levels: [{}, dropped("dropDesirable", MOST)] },
    KTO,
    ...WEIGHTED.map(({ options, level }) => ({
      ...KTO,
      options: { ...KTO.options, ...options },
      levels: [level],
    })),
    // Added after the first results: does the rate decide what weights do?
    ...[{}, { desirableWeight: 13.33 }].map((weights) => ({
      ...{ ...KTO, options: { ...KTO.options, ...weights } },
      ...{ learningRate: KTO.learningRate / 3, levels: [SLOW] },
    })),
  ],
  ...WORLD,
  // Of fifty labels nine tenths can be dropped.
  pairs: 50,
};

/** For a look at the whole in seconds. The results mean little. */
export const QUICK: AnswersSettings = {
  ...FULL,
  draws: [0],
  levels: FULL.levels.filter((level) => !Object.values(level).includes(HALF)),
  methods: FULL.methods.filter(({ levels = [] }) =>
    !levels.some((level) =>
      "slow" in level || Object.values(level).includes(HALF)
    )
  ),
  training: { ...FULL.training, steps: 24 },
  evaluation: [6, 12, 24],
};
