import { EXPERIMENTS, findExperiment } from "experiments/all.ts";
import { EXPERIMENT_FLAGS, runExperiment } from "experiments/run_directly.ts";
import { siteOf } from "experiments/sites/flags.ts";
import { parseFlags } from "lib/cli/flags.ts";
import { runVerb, say, table } from "lib/cli/terminal.ts";
import { toggle } from "lib/cli/flag.ts";
import type { Verb } from "lib/cli/verb.ts";
import { CHECKOUT } from "lib/record/environment.ts";
import { join } from "node:path";

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
    cite: toggle({
      help: "print BibTeX of prefgrad, of the commit of the published " +
        "results, and of the sources of the claims instead",
    }),
    ...EXPERIMENT_FLAGS,
  },
  examples: [
    "deno task experiment",
    "deno task experiment frontier --quick --out out/quick",
    "deno task experiment frontier --out results/frontier --replace",
    "deno task experiment frontier --tune",
    "deno task experiment frontier --draws 20 --on slurm --slurm='--time=1:00:00' --jobs 50",
    "deno task experiment frontier --cite",
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
    if (values.cite) {
      for (const { name, cite } of chosen) {
        say(await cite(join(CHECKOUT ?? "", "results", name)));
      }
      return;
    }
    if (chosen.length > 1 && values.out !== undefined) {
      throw new RangeError(
        "Cannot use --out with several experiments: each has a folder of its own",
      );
    }
    const site = siteOf(values);
    for (const experiment of chosen) {
      await runExperiment(experiment, values, site);
    }
  },
);
