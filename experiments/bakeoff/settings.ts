import { METHOD, type Method } from "lib/experiment/grid.ts";
import * as v from "valibot";
import { type AnswersSettings, WORLD } from "../answers/settings.ts";
import tuning from "./tuning.json" with { type: "json" };

const TRIALS = v.parse(
  v.array(v.object({ ...METHOD.entries, regret: v.number() })),
  tuning.trials,
);

export const DPO = "dpo";

/**
 * Every loss that was tuned, with the option and the rate of least regret. A
 * loss that is new in the registry joins by `--tune`.
 */
export const METHODS: readonly Method[] = [
  ...Map.groupBy(TRIALS, ({ loss }) => loss).values(),
].map((own) => {
  const [best] = own.toSorted((a, b) => a.regret - b.regret);
  const { loss, options, learningRate } = best!;
  return { loss, options, learningRate };
});

export const FULL: AnswersSettings = {
  // As many as records of all losses leave room for.
  draws: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  // A draw is the unit: more of them say more than more seeds.
  seeds: [1],
  levels: [{}],
  methods: [...METHODS],
  ...WORLD,
  // Three passes over more pairs than elsewhere: labels decide less by chance.
  pairs: 256,
  training: { ...WORLD.training, steps: 48, batch: 16 },
  evaluation: [48],
  optima: false,
};

/** For a look at the whole in seconds. The results mean little. */
export const QUICK: AnswersSettings = {
  ...FULL,
  draws: [0],
  methods: METHODS.filter(({ loss }) =>
    [DPO, "ipo", "kto", "orpo", "simpo", "sft"].includes(loss)
  ),
  training: { ...FULL.training, steps: 24 },
  evaluation: [24],
};
