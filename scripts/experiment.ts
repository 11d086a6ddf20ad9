import { EXPERIMENTS, findExperiment } from "experiments/all.ts";
import { EXPERIMENT_FLAGS, runExperiment } from "experiments/run_directly.ts";
import { parseFlags } from "lib/cli/flags.ts";
import { runVerb, table } from "lib/cli/terminal.ts";
import { toggle } from "lib/cli/flag.ts";
import type { Verb } from "lib/cli/verb.ts";

const EXPERIMENT = {
  name: "experiment",
  summary:
    "Runs experiments and writes the records, summary and figure of each; goes on with one that was interrupted.",
  positionals: [{
    name: "name",
    help: "experiments; if absent, the main one",
    many: true,
    optional: true,
  }],
  flags: {
    list: toggle({ help: "list the experiments instead" }),
    ...EXPERIMENT_FLAGS,
  },
  examples: [
    "deno task experiment",
    "deno task experiment frontier --quick --out out/quick",
    "deno task experiment frontier --out results/frontier --replace",
    "deno task experiment frontier --tune",
  ],
} as const satisfies Verb;

await runVerb(
  () => parseFlags(EXPERIMENT, Deno.args),
  async ({ positionals: { name: names }, values }) => {
    if (values.list) {
      return table(
        EXPERIMENTS.map(({ name, question }) => ({ name, question })),
      );
    }
    const chosen = names.length > 0
      ? names.map(findExperiment)
      : EXPERIMENTS.slice(0, 1);
    if (chosen.length > 1 && values.out !== undefined) {
      throw new RangeError(
        "Cannot use --out with several experiments: each has a folder of its own",
      );
    }
    for (const experiment of chosen) await runExperiment(experiment, values);
  },
);
