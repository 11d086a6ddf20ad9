import * as v from "valibot";
import { GRID } from "lib/experiment/grid.ts";

const PAIR = v.strictTuple([v.array(v.number()), v.array(v.number())]);

/** Schema of all that decides the paths. */
export const SIMPLEX_SETTINGS = v.strictObject({
  ...GRID,
  /** π_ref of the chosen answer, the rejected one and a third. */
  start: v.array(v.number()),
  /** Features of the chosen answer and of the rejected one. */
  pairs: v.strictObject({ unrelated: PAIR, alike: PAIR }),
  /** Length of the third answer's features, whose direction is a level. */
  third: v.number(),
  /** Time at which a flow ends. */
  time: v.number(),
});

export type SimplexSettings = Readonly<v.InferOutput<typeof SIMPLEX_SETTINGS>>;

const method = (loss: string, options: Record<string, number> = {}) => ({
  ...{ loss, options, learningRate: 0 },
});

export const SETTINGS: SimplexSettings = {
  // Nothing is drawn: the paths are exact.
  ...{ draws: [0], seeds: [0] },
  // Each of the first two takes away one part of the third.
  levels: [
    { ahead: 1, alike: 0 },
    { ahead: 0, alike: 1 },
    { ahead: 1, alike: 1 },
  ],
  methods: [
    method("dpo"),
    method("ipo"),
    method("hinge"),
    method("dpop"),
    method("kto"),
    method("orpo"),
    method("simpo"),
    method("cpo"),
    method("sft"),
    method("unlikelihood"),
    method("kto-pairwise"),
    method("orpo-ratio"),
  ],
  start: [0.3, 0.3, 0.4],
  // Alike answers share a feature, and differ by little in another.
  pairs: {
    unrelated: [[1, 0], [0, 1]],
    alike: [[1, 0.15], [1, 0]],
  },
  // Twice the difference of the alike ones, and less than one of the unrelated.
  third: 0.3,
  // IPO stands still by then, and the order of the others is clear.
  time: 1000,
};
