import * as v from "valibot";
import { EXPERIMENTS, findExperiment } from "experiments/all.ts";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { rebuildBenchFigure } from "lib/bench/figure.ts";
import { parseFlags } from "lib/cli/flags.ts";
import { runVerb, say } from "lib/cli/terminal.ts";
import { text, toggle } from "lib/cli/flag.ts";
import type { Verb } from "lib/cli/verb.ts";
import { CLAIMS_INDEX, claimsIndex } from "lib/experiment/claims_index.ts";
import type { Experiment } from "lib/experiment/experiment.ts";
import { readIdentity } from "lib/experiment/identity.ts";
import { quoteInReadmes } from "lib/experiment/readmes.ts";
import { CHECKOUT } from "lib/record/environment.ts";
import { writeTextAtomically } from "lib/files/atomic.ts";
import { drawPictures } from "lib/plot/picture.ts";
import { rebuildTrainingFigure } from "lib/run/figure.ts";

const FIGURE = {
  name: "figure",
  summary:
    "Rebuilds summaries and figures of experiments, benchmarks and training runs from their records.",
  positionals: [{
    name: "name",
    help:
      "experiments, or folders of results, benchmarks or training runs; if absent, all experiments that have results",
    many: true,
    optional: true,
  }],
  flags: {
    results: text({
      help: "folder with one folder for each experiment",
      placeholder: "DIR",
      default: "results",
    }),
    repeat: text({
      help: "folder of results of an experiment on other draws, whose " +
        "verdicts to record beside its own: repeat.json and repeat.md",
      placeholder: "DIR",
    }),
    picture: toggle({
      help:
        "also draw the first panel, or those that the figure names, as figure.svg, figure.pdf and figure.png, which needs Chromium",
    }),
    readme: toggle({
      help:
        "also write results/claims.md, and put tables and numbers into the READMEs that quote them",
    }),
  },
  examples: [
    "deno task figure",
    "deno task figure frontier --results results/local",
    "deno task figure frontier --repeat out/other-draws --readme",
    "deno task figure out/dpo",
    "deno task figure bench --picture --readme",
  ],
} as const satisfies Verb;

/** An experiment or a run: its folder, and the way to rebuild its figures. */
interface Drawable {
  readonly folder: string;
  rebuild(folder: string): Promise<void>;
}

async function drawableOf(
  name: string,
  { results }: { results: string },
): Promise<Drawable> {
  const experiment = EXPERIMENTS.find((each) => each.name === name);
  if (experiment) {
    const { rebuild } = experiment;
    return { folder: join(results, name), rebuild };
  }
  const benches = [name, join(results, name)];
  const measured = benches.find((each) => existsSync(join(each, "bench.json")));
  if (measured !== undefined) {
    return { folder: measured, rebuild: rebuildBenchFigure };
  }
  if (existsSync(join(name, "run.json"))) {
    return { folder: name, rebuild: rebuildTrainingFigure };
  }
  const stored = await readIdentity(name);
  if (stored) return { folder: name, rebuild: experimentOf(stored).rebuild };
  throw new Error(
    `Cannot draw "${name}": expected an experiment (${
      EXPERIMENTS.map(({ name }) => name).join(", ")
    }), the folder of its results, or that of a training run, with its run.json`,
  );
}

/** The experiment whose results have an identity. */
function experimentOf({ identity }: { identity: unknown }): Experiment {
  const { experiment } = v.parse(IDENTITY, identity);
  return findExperiment(experiment);
}

const IDENTITY = v.object({ experiment: v.string() });

/**
 * Names of the experiments that have results in a folder.
 *
 * @throws Error where none has.
 */
function experimentsIn(results: string): string[] {
  const found = EXPERIMENTS.map(({ name }) => name)
    .filter((name) => existsSync(join(results, name)));
  if (found.length > 0) return found;
  throw new Error(`Cannot draw "${results}": no experiment has results there`);
}

/** @throws RangeError unless one experiment is named. */
async function recordRepeat(
  names: readonly string[],
  { results, repeat }: { results: string; repeat: string },
): Promise<void> {
  const [name] = names;
  if (name === undefined || names.length > 1) {
    throw new RangeError(
      `Cannot use --repeat with ${names.length} names: expected one experiment`,
    );
  }
  await findExperiment(name).compareDraws(join(results, name), repeat);
  say(`Wrote ${join(results, name, "repeat.md")}`);
}

/** Writes the list of all claims, from which READMEs quote. */
async function writeClaims(results: string): Promise<string> {
  const file = join(results, CLAIMS_INDEX);
  const text = await claimsIndex(results, EXPERIMENTS.map(({ name }) => name));
  await writeTextAtomically(file, text);
  return file;
}

await runVerb(
  () => parseFlags(FIGURE, Deno.args),
  async ({ positionals: { name: names }, values }) => {
    const { results, picture, repeat } = values;
    if (repeat !== undefined) await recordRepeat(names, { results, repeat });
    const all = names.length > 0 ? names : experimentsIn(results);
    const drawables = await Promise.all(
      all.map((name) => drawableOf(name, { results })),
    );
    for (const { folder, rebuild } of drawables) {
      await rebuild(folder);
      say(`Wrote ${join(folder, "figure.html")}`);
      if (!picture) continue;
      const figure = await Deno.readTextFile(join(folder, "figure.json"));
      await drawPictures(JSON.parse(figure), folder);
      say(`Wrote figure.svg, figure.pdf and figure.png in ${folder}`);
    }
    if (!values.readme) return;
    const checkout = CHECKOUT ?? Deno.cwd();
    say(`Wrote ${await writeClaims(join(checkout, "results"))}`);
    for (const file of await quoteInReadmes({ checkout })) say(`Wrote ${file}`);
  },
);
