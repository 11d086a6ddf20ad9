/**
 * Laws of the logarithm of two ratios where P_w and P_l are independent and
 * uniform on [0, 1], in closed form, where the paper (figure 6) has samples.
 */
export interface RatioLaw {
  /** Standard deviation, in nats. */
  readonly deviation: number;
  /** Probability density. */
  density(x: number): number;
}

/** Of log P_w/P_l: the law of Laplace. */
export const PROBABILITY_RATIO: RatioLaw = {
  deviation: Math.SQRT2,
  density: (x) => Math.exp(-Math.abs(x)) / 2,
};

/** Of log odds_w/odds_l: that of the difference of two logistic variables. */
export const ODDS_RATIO: RatioLaw = {
  deviation: Math.PI * Math.sqrt(2 / 3),
  density: (x) => {
    // Symmetric; at 0 it is 0 divided by 0, and its limit 1/6.
    const distance = Math.abs(x);
    if (distance < 1e-3) return 1 / 6;
    const shrunk = Math.exp(-distance);
    return shrunk * (distance - 2 + (distance + 2) * shrunk) /
      (1 - shrunk) ** 3;
  },
};
