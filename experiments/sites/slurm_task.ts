import { integer } from "lib/cli/flag.ts";
import { parseFlags } from "lib/cli/flags.ts";
import { interruption, progress, runVerb } from "lib/cli/terminal.ts";
import type { Verb } from "lib/cli/verb.ts";
import { runShare } from "lib/experiment/slurm/share.ts";

// The program of a task of an array on Slurm; its script has the arguments.

const TASK = {
  name: "task",
  command: "deno run -A experiments/sites/slurm_task.ts",
  summary: "Runs the jobs of one task of an array.",
  positionals: [{ name: "plan", help: "file of the array" }],
  flags: {
    task: integer({ help: "number of the task", min: 0, required: true }),
  },
  examples: ["deno run -A experiments/sites/slurm_task.ts plan.json --task 0"],
} as const satisfies Verb;

await runVerb(
  () => parseFlags(TASK, Deno.args),
  async ({ positionals: { plan }, values: { task } }) => {
    using stop = interruption("this job");
    await runShare(plan, task, { watch: progress, stop });
  },
);
