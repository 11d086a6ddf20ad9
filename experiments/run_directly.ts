import { fileURLToPath } from "node:url";
import { parseFlags } from "lib/cli/flags.ts";
import { DEVICE_WORDS, resolveDevice } from "lib/onnx/devices.ts";
import { progress, runVerb, say, table } from "lib/cli/terminal.ts";
import {
  choice,
  type FlagValues,
  integer,
  text,
  toggle,
} from "lib/cli/flag.ts";
import type { Verb } from "lib/cli/verb.ts";
import type { Experiment } from "lib/experiment/experiment.ts";

/** Flags of whatever runs an experiment. */
export const EXPERIMENT_FLAGS = {
  quick: toggle({ help: "fewer and smaller runs, for a look" }),
  seeds: integer({
    help: "how many seeds, else those of the settings",
    min: 1,
  }),
  tune: toggle({ help: "find the learning rates again instead" }),
  device: choice(DEVICE_WORDS, { help: "what computes", default: "cpu" }),
  jobs: integer({
    help:
      "threads that share the runs, else one for each core; results do not depend on it",
    min: 1,
  }),
  out: text({
    help: "folder of the results, else results/ and the experiment's name",
    placeholder: "DIR",
  }),
} as const satisfies Verb["flags"];

/** Where results are, unless something else is said. */
export const RESULTS = fileURLToPath(new URL("../results/", import.meta.url));

/** Runs an experiment, or tunes it, as the flags say. */
export async function runExperiment(
  experiment: Experiment,
  flags: FlagValues<typeof EXPERIMENT_FLAGS>,
): Promise<void> {
  const { quick, seeds = null, out = RESULTS + experiment.name } = flags;
  const { jobs = navigator.hardwareConcurrency } = flags;
  const device = await resolveDevice(flags.device);
  const options = { device, jobs, watch: progress };
  if (flags.tune) {
    table(await experiment.tune(options));
    return;
  }
  const phases = await experiment.run({ ...options, quick, seeds, out });
  table(
    Object.entries(phases).map(([phase, seconds]) => ({ phase, seconds })),
  );
  say(`Wrote ${out}`);
}

/** The program that an experiment is by itself. */
export async function runDirectly(experiment: Experiment): Promise<void> {
  const { name, question } = experiment;
  const command = `deno run -A experiments/${name}/experiment.ts`;
  const verb = {
    name,
    command,
    summary: question,
    flags: EXPERIMENT_FLAGS,
    examples: [`${command} --quick --out out/${name}`, `${command} --tune`],
  } as const satisfies Verb;
  await runVerb(
    () => parseFlags(verb, Deno.args),
    ({ values }) => runExperiment(experiment, values),
  );
}
