import type { ComparisonSettings } from "experiments/comparison/settings.ts";
import { completeSettings, type GivenSettings } from "lib/run/settings.ts";

type Wanted = Omit<ComparisonSettings, "contents">;

/** Settings of a small comparison, before its inputs are read. */
export function settingsOf(
  given: Omit<GivenSettings, "loss">,
  heldOut: Partial<Wanted["heldOut"]> = {},
  evaluation: Partial<Wanted["evaluation"]> = {},
): Wanted {
  const { loss: _loss, options: _options, learningRate, seed: _s, ...train } =
    completeSettings({ ...given, loss: "dpo" });
  return {
    ...{ draws: [0], levels: [{}], seeds: [1], train },
    methods: [{ loss: "dpo", options: {}, learningRate }],
    heldOut: { share: 0.3, pairs: 500, isDev: false, ...heldOut },
    evaluation: {
      ...{ times: 1, prompts: 1, maxNewTokens: 4, probes: 1 },
      controlText: null,
      ...evaluation,
    },
  };
}
