import * as frontier from "../frontier/settings.ts";

/** Half a decade apart, and beyond frontier's at the end it does best. */
const VALUES: Readonly<Record<string, number[]>> = {
  dpo: [0.03, 0.1, 0.3, 1, 3],
  kto: [0.03, 0.1, 0.3, 1, 3],
  orpo: [0.1, 0.3, 1, 3, 10],
};

/** Frontier's world, pairs and rates. Only the end of training is evaluated. */
function betaSettings(
  { evaluation, ...world }: frontier.FrontierSettings,
): frontier.FrontierSettings {
  return {
    ...world,
    methods: frontier.FULL.methods.flatMap((method) => {
      const values = VALUES[method.loss];
      return values ? [{ ...method, values }] : [];
    }),
    evaluation: { ...evaluation, steps: evaluation.steps.slice(-1) },
  };
}

export const FULL = betaSettings(frontier.FULL);

/** Settings for a look at the whole in a minute. The results mean little. */
export const QUICK = betaSettings(frontier.QUICK);
