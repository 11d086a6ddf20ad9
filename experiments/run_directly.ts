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

/** Flags of every program that runs an experiment. */
export const EXPERIMENT_FLAGS = {
  quick: toggle({ help: "run fewer and smaller runs, to see that it works" }),
  seeds: integer({
    help: "number of seeds; if absent, those of the settings",
    min: 1,
  }),
  tune: toggle({ help: "search the learning rates again instead" }),
  device: choice(DEVICE_WORDS, {
    help: "device that computes",
    default: "cpu",
  }),
  jobs: integer({
    help: "processes that share the runs; results do not depend on it",
    default: navigator.hardwareConcurrency,
    min: 1,
  }),
  out: text({
    help: "folder to write to; if absent, results/ and the experiment's name",
    placeholder: "DIR",
  }),
} as const satisfies Verb["flags"];

/** Folder of all results. */
export const RESULTS = fileURLToPath(new URL("../results/", import.meta.url));

/** Runs or tunes an experiment, as the flags say. */
export async function runExperiment(
  experiment: Experiment,
  flags: FlagValues<typeof EXPERIMENT_FLAGS>,
): Promise<void> {
  const { quick, seeds = null, jobs, out = RESULTS + experiment.name } = flags;
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

/** Runs an experiment as a program of its own. */
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
