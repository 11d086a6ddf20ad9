import { parseFlags } from "lib/cli/flags.ts";
import { interruption, note, progress, runVerb } from "lib/cli/terminal.ts";
import type { Verb } from "lib/cli/verb.ts";
import { runRemote } from "lib/experiment/hf_jobs/remote.ts";

// The program of a job on the Hub's machines; its command has the argument.

const JOB = {
  name: "job",
  command: "deno run -A experiments/sites/hf_task.ts",
  summary: "Makes the records of a plan, and uploads them.",
  positionals: [{ name: "plan", help: "file of the plan" }],
  flags: {},
  examples: ["deno run -A experiments/sites/hf_task.ts plan.json"],
} as const satisfies Verb;

await runVerb(
  () => parseFlags(JOB, Deno.args),
  async ({ positionals: { plan } }) => {
    using stop = interruption(null);
    await runRemote(plan, {
      ...{ watch: progress, onNote: note, signal: stop.signal },
      workers: navigator.hardwareConcurrency,
    });
  },
);
