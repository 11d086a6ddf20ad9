import { exp, sub } from "../ops/elementwise.ts";
import { pairLoss } from "./loss.ts";
import { perToken } from "./sequences.ts";

/**
 * SimPER, https://arxiv.org/abs/2502.00883: no reference model and nothing to
 * tune except the learning rate.
 */
export const simper = pairLoss({
  id: "simper",
  title: "SimPER: inverse perplexities",
  mark: { color: "orange", dash: "longdash", symbol: "square" },
  formula: 'e^(a_l) − e^(a_w), a = "mean token" log π(y|x)',
  derivation: [
    "`e^a` is the geometric mean of a completion's token probabilities: the inverse of its perplexity, between 0 and 1. It is to be large for `y_w` and small for `y_l`.",
    "Its slope is `e^a` itself. An unlikely `y_l` is pushed no further, whereas the slope of log-likelihoods never dies.",
    "An unlikely `y_w` is hardly raised, either: training needs a start from which both are likely.",
  ],
  source: "SimPER, https://arxiv.org/abs/2502.00883",
  options: {},
  presets: { "paper-repo": { names: ["SimPER"], options: {} } },
  terms: ({ chosen, rejected }) => ({
    loss: sub(exp(perToken(rejected)), exp(perToken(chosen))),
  }),
});
