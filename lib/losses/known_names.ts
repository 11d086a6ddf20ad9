/** A method that is no loss of its own, by the name under which it is known. */
export interface KnownName {
  /** Its name, as one might search for it. */
  readonly name: string;
  /** The method in words. */
  readonly title: string;
  /** The value of `--loss` that it is, perhaps with flags after it. */
  readonly means: string;
  /** Paper, address. */
  readonly source: string;
}

/** Methods that are sums of losses, or one loss under an option or weights. */
export const KNOWN_NAMES: readonly KnownName[] = [
  {
    name: "cdpo",
    title: "Conservative DPO: labels are flipped with a known probability",
    means: "dpo --label-smoothing 0.1",
    source: "cDPO, https://ericmitchell.ai/cdpo.pdf",
  },
  {
    name: "cpo-simpo",
    title: "SimPO and the likelihood of the chosen answer",
    means: "simpo --nll-weight 1",
    source: "https://github.com/fe1ixxu/CPO_SIMPO",
  },
  {
    name: "irpo",
    title: "Iterative Reasoning Preference Optimization, one iteration: DPO " +
      "and each chosen answer's mean likelihood",
    means: "dpo+sft --nll-reduction example",
    source: "Iterative RPO, https://arxiv.org/abs/2404.19733",
  },
  {
    name: "madpo",
    title: "Margin-adaptive DPO: each row has its weight, computed before " +
      "from a reward model, in its column loss_weight",
    means: "dpo",
    source: "MADPO, https://arxiv.org/abs/2510.05342",
  },
  {
    name: "mpo",
    title: "Mixed Preference Optimization: which answer is better, how good " +
      "each is, and how to write the chosen one",
    means: "0.8*dpo+0.2*bco+sft",
    source: "MPO, https://arxiv.org/abs/2411.10442",
  },
  {
    name: "rpo",
    title: "Regularized Preference Optimization: DPO and the chosen answer's " +
      "likelihood, here a mean over tokens",
    means: "dpo+sft",
    source: "RPO, https://arxiv.org/abs/2405.16436",
  },
];
