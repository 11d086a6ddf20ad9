import { EXPERIMENT_FLAGS } from "experiments/run_directly.ts";
import { parseFlags } from "lib/cli/flags.ts";
import type { Verb } from "lib/cli/verb.ts";

const VERB = {
  ...{ name: "toy", summary: "Tries the flags." },
  ...{ flags: EXPERIMENT_FLAGS, examples: [] },
} as const satisfies Verb;

/** The values of a command line for an experiment. */
export function flagValues(...args: string[]) {
  const parsed = parseFlags(VERB, args);
  if (!("values" in parsed)) throw new Error("expected values");
  return parsed.values;
}
