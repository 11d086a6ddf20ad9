import * as v from "valibot";
import { GRID } from "lib/experiment/grid.ts";

/** Schema of all that decides the paths. */
export const SIMPLEX_SETTINGS = v.strictObject({
  ...GRID,
  /** π_ref of the chosen answer, the rejected one and another. */
  start: v.array(v.number()),
  /** Features of the three answers where chosen and rejected are alike. */
  alikeFeatures: v.array(v.array(v.number())),
  /** Time at which a flow ends. */
  time: v.number(),
});

export type SimplexSettings = Readonly<v.InferOutput<typeof SIMPLEX_SETTINGS>>;

const method = (loss: string, options: Record<string, number> = {}) => ({
  ...{ loss, options, learningRate: 0 },
});

export const FULL: SimplexSettings = {
  // Nothing is drawn: the paths are exact.
  ...{ draws: [0], seeds: [0] },
  levels: [{ alike: 0 }, { alike: 1 }],
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
  // The chosen and the rejected answer share their first feature, and the third
  // answer lies opposite: what lowers the rejected one raises it.
  alikeFeatures: [[1, 0.15], [1, 0], [-1, 0.3]],
  // IPO and DPOP stand still by then, and the order of the others is clear.
  time: 1000,
};

/** The same until an earlier time. */
export const QUICK: SimplexSettings = { ...FULL, time: 20 };
