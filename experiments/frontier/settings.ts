import type { Method } from "lib/experiment/grid.ts";
import {
  QUICK_WORLD,
  type ReviewsSettings,
  WORLD,
} from "../reviews/settings.ts";
import tuning from "./tuning.json" with { type: "json" };

/** Losses with the values of their option, from near to far. */
const PATHS: readonly (readonly [
  loss: string,
  option: string,
  values: readonly number[],
])[] = [
  ["dpo", "beta", [3, 1, 0.3]],
  ["ipo", "beta", [1, 0.25, 0.1]],
  ["kto", "beta", [3, 1, 0.3]],
  ["orpo", "lambda", [1, 5]],
  ["simpo", "beta", [2, 10]],
  ["cpo", "beta", [0.1, 1]],
  ["kto-pairwise", "beta", [1]],
];

/** Each with the rate that tuning chose for it. */
const METHODS: Method[] = [
  ...PATHS.flatMap(([loss, option, values]) =>
    values.map((value) => ({ loss, options: { [option]: value } }))
  ),
  { loss: "sft", options: {} },
  { loss: "orpo-ratio", options: {} },
].map((method) => ({ ...method, learningRate: tunedRate(method) }));

function tunedRate({ loss, options }: Omit<Method, "learningRate">): number {
  const [value] = Object.values(options);
  const rates: readonly Method[] = tuning.chosen;
  const chosen = rates.find((one) =>
    one.loss === loss && Object.values(one.options)[0] === value
  );
  return chosen?.learningRate ?? 4e-4;
}

export const FULL: ReviewsSettings = {
  ...WORLD,
  draws: [0],
  seeds: [1],
  levels: [{}],
  methods: METHODS,
};

/** Settings for a look at the whole in seconds. The results mean little. */
export const QUICK: ReviewsSettings = {
  ...FULL,
  ...QUICK_WORLD,
  seeds: [1, 2],
  methods: METHODS.filter(({ options: { beta = 1, lambda = 1 } }) =>
    [1, 2, 0.25].includes(Number(beta)) && lambda === 1
  ),
};
