import type { Level } from "lib/experiment/grid.ts";
import { type AnswersSettings, WORLD } from "../answers/settings.ts";

/** Other draws of each random factor. */
const OTHERS = 10;

/** One factor of a run, and its levels beside the fixed point. */
export interface Factor {
  readonly id: string;
  readonly title: string;
  /** Whether its levels are draws, rather than choices. */
  readonly isRandom: boolean;
  readonly levels: readonly Level[];
}

const drawn = (id: string, title: string): Factor => ({
  ...{ id, title, isRandom: true },
  levels: Array.from({ length: OTHERS }, (_, i) => ({ [id]: i + 1 })),
});

const chosen = (
  id: string,
  title: string,
  levels: readonly Level[],
): Factor => ({ id, title, isRandom: false, levels });

/** The names of levels are those that `levels.ts` reads. */
export const FACTORS: readonly Factor[] = [
  drawn("pairs", "other pairs"),
  drawn("order", "another order"),
  drawn("model", "another reference model"),
  chosen("batch", "batch halved or doubled", [{ batch: 4 }, { batch: 16 }]),
  chosen("bits4", "reference model in 4 bits", [{ bits: 4 }]),
  chosen("bits8", "reference model in 8 bits", [{ bits: 8 }]),
  chosen("bits16", "reference model in 16 bits", [{ bits: 16 }]),
  // An example at a time, and about a half or a third of a batch.
  chosen("microTokens", "batch computed in parts", [
    { microTokens: 1 },
    { microTokens: 24 },
  ]),
  chosen("threads", "two threads", [{ threads: 2 }]),
];

/** The two whose difference is the unit, at the rates that micro chose. */
const METHODS = [
  { loss: "dpo", options: { beta: 1 }, learningRate: 1e-3 },
  { loss: "kto", options: { beta: 1 }, learningRate: 3e-3 },
];

export const FULL: AnswersSettings = {
  // Each is a fixed point of its own.
  draws: [0, 1, 2, 3, 4, 5, 6, 7],
  seeds: [1],
  levels: [{}, ...FACTORS.flatMap(({ levels }) => levels)],
  methods: METHODS,
  ...WORLD,
  evaluation: WORLD.evaluation.slice(-1),
  optima: false,
};

/** For a look at the whole in seconds. The results mean little. */
export const QUICK: AnswersSettings = {
  ...FULL,
  draws: [0],
  levels: [{}, ...FACTORS.flatMap(({ levels }) => levels.slice(0, 2))],
  training: { ...FULL.training, steps: 24 },
  evaluation: [24],
};
