import type { Level } from "lib/experiment/grid.ts";
import { type AnswersSettings, WORLD } from "../answers/settings.ts";

/** Answers of a list. */
export const SIZES = [4, 8] as const;
/** The most of them. */
export const LARGEST = 8;

/** Uses of the pairs of a list: all of them, or the best against the worst. */
type Use = "all" | "extremes";

/** Levels of a use at equal answers, or at equal cost of a step. */
const levels = (use: Use): Level[] =>
  SIZES.flatMap((list): Level[] => [
    { list, [use]: 1 },
    { list, [use]: 1, cost: 1 },
  ]);

/** The rate that micro chose for DPO, which listwise DPO is of two answers. */
const learningRate = 1e-3;

export const FULL: AnswersSettings = {
  draws: Array.from({ length: 12 }, (_, draw) => draw),
  seeds: [1],
  levels: [{ list: 2 }],
  methods: [
    {
      ...{ loss: "dpo", options: { beta: 1 }, learningRate },
      levels: [{ list: 2 }, ...levels("all"), ...levels("extremes")],
    },
    {
      ...{ loss: "listwise-dpo", options: { beta: 1 }, learningRate },
      levels: SIZES.map((list) => ({ list })),
    },
  ],
  ...WORLD,
  evaluation: [6, 12, 18, 24, 36, 48, 72, 96],
  optima: false,
};

/** For a look at the whole in seconds. The results mean little. */
export const QUICK: AnswersSettings = {
  ...FULL,
  draws: [0],
  training: { ...FULL.training, steps: 24 },
  evaluation: [6, 12, 24],
};
