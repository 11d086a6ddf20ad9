import { existsSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { parseFlags, UsageError } from "lib/cli/flags.ts";
import { deviceOn, SITE_FLAGS, siteOf } from "experiments/sites/flags.ts";
import { DEVICE_WORDS, resolveDevice } from "lib/onnx/devices.ts";
import {
  interruption,
  progress,
  runVerb,
  say,
  table,
} from "lib/cli/terminal.ts";
import {
  choice,
  type FlagValues,
  integer,
  parsed,
  text,
  toggle,
} from "lib/cli/flag.ts";
import type { Verb } from "lib/cli/verb.ts";
import type { ExperimentResults } from "lib/experiment/definition.ts";
import type { Finding } from "lib/experiment/claim.ts";
import { measuredText } from "lib/experiment/findings.ts";
import type { Experiment } from "lib/experiment/experiment.ts";
import type { Site } from "lib/experiment/site.ts";

/** Flags of every program that runs an experiment. */
export const EXPERIMENT_FLAGS = {
  quick: toggle({ help: "run fewer and smaller runs, to see that it works" }),
  draws: range({
    help: "draws of the model that runs start from: a number of them, or a " +
      "range such as 20-39; if absent, those of the settings",
    first: 0,
  }),
  seeds: range({
    help: "seeds of each draw: a number of them, or a range; if absent, " +
      "those of the settings",
    first: 1,
  }),
  losses: parsed({
    help: "losses to run among those of the settings; if absent, all",
    placeholder: "NAME,...",
    expected: "names of losses such as dpo,kto",
    parse: (text: string): readonly string[] | undefined =>
      /^[a-z-]+(,[a-z-]+)*$/.test(text) ? text.split(",") : undefined,
    is: (value): value is readonly string[] =>
      Array.isArray(value) && value.every((name) => typeof name === "string"),
  }),
  tune: toggle({ help: "search the learning rates again instead" }),
  device: choice(DEVICE_WORDS, {
    help: "device that computes",
    default: "cpu",
  }),
  jobs: integer({
    help:
      "processes that share the runs, or jobs of a cluster at a time; as many as there may be, if absent; results do not depend on it",
    min: 1,
  }),
  ...SITE_FLAGS,
  dryRun: toggle({ help: "print what --on would submit instead" }),
  out: text({
    help: "folder to write to; if absent, results/local/NAME, or NAME-quick " +
      "with --quick",
    placeholder: "DIR",
  }),
  replace: toggle({ help: "replace other results that --out holds" }),
} as const satisfies Verb["flags"];

/** A flag for whole numbers: how many, or the first and the last. */
export function range({ help, first }: { help: string; first: number }) {
  return parsed({
    help,
    placeholder: "N",
    expected: `a number of at least 1, or a range such as ${first}-9`,
    parse: (text: string): readonly number[] | undefined => {
      const [, low, high] = text.match(/^(?:(\d+)-)?(\d+)$/) ?? [];
      if (high === undefined) return undefined;
      const from = low === undefined ? first : Number(low);
      const length = low === undefined ? Number(high) : Number(high) - from + 1;
      if (!(length >= 1 && length <= 10_000)) return undefined;
      return Array.from({ length }, (_, i) => from + i);
    },
    is: (value): value is readonly number[] =>
      Array.isArray(value) && value.every(Number.isSafeInteger),
  });
}

/** Runs or tunes an experiment, as the flags say, on a site or on this machine. */
export async function runExperiment(
  experiment: Experiment,
  flags: Omit<FlagValues<typeof EXPERIMENT_FLAGS>, keyof typeof SITE_FLAGS>,
  site: Site | null,
): Promise<void> {
  const { quick, draws = null, seeds = null, losses = null, replace } = flags;
  const name = experiment.name + (quick ? "-quick" : "");
  const { out = defaultFolder(name) } = flags;
  const device = site
    ? deviceOn(flags.device)
    : await resolveDevice(flags.device);
  const { jobs: workers = navigator.hardwareConcurrency } = flags;
  using stop = interruption(null);
  const options = {
    ...{ device, workers, watch: progress, signal: stop.signal },
    ...site && { site },
  };
  const settings = { quick, draws, seeds, losses, out, replace };
  try {
    if (flags.dryRun) {
      if (!site) throw new UsageError("Cannot use --dry-run without --on");
      const order = await experiment.order({ ...options, ...settings });
      return say(await site.describe(order));
    }
    if (flags.tune) {
      const trials = defaultFolder(`${name}-tuning`);
      return table(await experiment.tune({ ...options, trials }));
    }
    report(await experiment.run({ ...options, ...settings }), out);
  } catch (error) {
    if (!stop.requested) throw error;
    stop.end(flags.tune ? "Stopped" : "Stopped; go on with the same command");
  }
}

/** Says what was found, where it is, and how long it took. */
function report(
  { figure, findings, phases }: ExperimentResults,
  out: string,
): void {
  for (const { caption, columns, rows } of figure.tables) {
    say(`${caption}\n`);
    table(
      rows.map((row) =>
        Object.fromEntries(columns.map((name, i) => [name, row[i]]))
      ),
    );
    say("");
  }
  if (findings.length > 0) table(findings.map(lineOf));
  const page = join(out, "figure.html");
  const times = Object.entries(phases);
  if (times.length === 0) {
    return say(`${page} shows them; --replace computes them anew`);
  }
  say(`Wrote ${page}`);
  say(
    times.map(([phase, time]) => `${phase} ${Number(time.toFixed(1))} s`).join(
      ", ",
    ),
  );
}

function lineOf(finding: Finding) {
  const { statement, verdict } = finding;
  return { claim: statement, here: measuredText(finding), verdict };
}

/** Folder of an experiment's results in the checkout of the current folder. */
function defaultFolder(name: string): string {
  const here = Deno.cwd();
  let root = here;
  while (!existsSync(join(root, ".git")) && root !== dirname(root)) {
    root = dirname(root);
  }
  const checkout = existsSync(join(root, ".git")) ? relative(here, root) : "";
  return join(checkout, "results", "local", name);
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
    examples: [
      `${command} --quick --out out/${name}`,
      `${command} --out results/${name} --replace`,
      `${command} --tune`,
    ],
  } as const satisfies Verb;
  await runVerb(
    () => parseFlags(verb, Deno.args),
    ({ values }) => runExperiment(experiment, values, siteOf(values)),
  );
}
