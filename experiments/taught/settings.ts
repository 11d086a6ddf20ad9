import * as v from "valibot";
import { GRID } from "lib/experiment/grid.ts";
import { FORMS } from "./forms.ts";

/** Schema of all that decides the curves. */
export const TAUGHT_SETTINGS = v.strictObject({
  ...GRID,
  /** π_ref of two answers that are compared and of a third, twice. */
  starts: v.array(v.array(v.number())),
  /** Share of comparisons that the first answer wins. */
  preference: v.number(),
  /** Time at which a flow ends. */
  time: v.number(),
});

export type TaughtSettings = Readonly<v.InferOutput<typeof TAUGHT_SETTINGS>>;

const losses = new Set(FORMS.flatMap(({ paper, taught }) => [paper, taught]));

export const SETTINGS: TaughtSettings = {
  // Nothing is drawn: the curves are exact.
  ...{ draws: [0], seeds: [0] },
  levels: [{ start: 0 }, { start: 1 }],
  methods: [...losses].map((loss) => ({
    loss,
    options: loss.startsWith("orpo") ? {} : { beta: 1 },
    learningRate: 0,
  })),
  // In one the reference agrees with the labels, in the other it does not.
  starts: [[0.1, 0.3, 0.6], [0.3, 0.1, 0.6]],
  preference: 0.8,
  time: 60,
};
