import { Clock } from "../record/record.ts";
import { type Finding, judge } from "./claim.ts";
import type {
  Execution,
  ExperimentDefinition,
  ExperimentOptions,
  ExperimentResults,
} from "./definition.ts";
import { figureFindings } from "./findings.ts";
import type { GridSettings } from "./grid.ts";
import { readIdentity } from "./identity.ts";
import {
  readRuns,
  recordRun,
  recordsOf,
  type RunContext,
  writeRun,
} from "./records.ts";
import {
  type Files,
  resultFiles,
  writeFiles,
  writeResultFiles,
} from "./result_files.ts";
import { recordRepeat, repeatFiles } from "./repeat.ts";
import { planned } from "./plan.ts";
import { ResultsFolder } from "./results_folder.ts";
import { runJobs } from "./run_jobs.ts";
import { collectRuns } from "./summary.ts";

/**
 * Runs an experiment. Each run is kept as soon as it is finished; the results
 * appear once all of them exist, so that old and new ones never mix.
 *
 * @throws Error where `out` cannot be written or holds other results, where the
 * settings lack a loss, or where a run cannot be finished; the others are kept.
 */
export async function runExperiment<
  S extends GridSettings,
  Start,
  Data,
  Summary extends object,
>(
  definition: ExperimentDefinition<S, Start, Data, Summary>,
  { out, replace = false, ...options }: ExperimentOptions,
): Promise<ExperimentResults> {
  const clock = new Clock();
  const { identity, context } = await planned(definition, options);
  const { methods, draws, seeds, levels } = context.settings;
  const grid = { methods, draws, seeds, levels };
  await using folder = await ResultsFolder.open(out, {
    ...{ identity, grid, replace },
  });
  if (folder.isFinished) {
    const { figure, findings } = await drawn(definition, folder.target);
    return { figure, findings, phases: {} };
  }
  await runMissing(definition, {
    ...{ folder, context, execution: options },
  });
  options.signal?.throwIfAborted();
  clock.lap("jobs");
  const { figure, findings } = await rebuild(definition, folder.path);
  await folder.publish();
  clock.lap("summary and figure");
  return { figure, findings, phases: clock.timings().phases };
}

/** Runs everything that a folder lacks. */
async function runMissing<
  S extends GridSettings,
  Start,
  Data,
  Out extends object,
>(
  definition: ExperimentDefinition<S, Start, Data, Out>,
  { folder, context, execution }: {
    folder: ResultsFolder;
    context: RunContext<S>;
    execution: Execution;
  },
): Promise<void> {
  const { settings } = context;
  const wanted = recordsOf(settings);
  const { site } = execution;
  if (site) {
    const { url } = definition.jobs;
    return await folder.fill(site, { wanted, url, context, execution });
  }
  const finished = await folder.finishedRuns(wanted);
  await Deno.mkdir(folder.live, { recursive: true });
  await runJobs(definition.jobs, {
    ...execution,
    ...{ settings, finished, live: folder.live },
    keep: (name, make) => folder.kept(name, make),
    onOutcome: (recorded, outcome) =>
      writeRun(folder.path, recordRun(recorded, outcome, context)),
  });
}

/** The parts of an experiment that draw its records. */
type Drawing<S extends GridSettings, Summary extends object> = Pick<
  ExperimentDefinition<S, never, never, Summary>,
  "settings" | "summarize" | "claims" | "figure"
>;

/** Writes summary, figure, page and tables from the records. */
export async function rebuild<S extends GridSettings, Summary extends object>(
  definition: Drawing<S, Summary>,
  folder: string,
): Promise<Drawn> {
  const results = await drawn(definition, folder);
  const { summary, figure, findings } = results;
  const { claims } = definition;
  await writeResultFiles(folder, summary, figure);
  await writeFiles(folder, await repeatFiles({ folder, claims, findings }));
  return results;
}

/** The files that follow from the records in a folder, as they should be. */
export async function filesOf<S extends GridSettings, Summary extends object>(
  definition: Drawing<S, Summary>,
  folder: string,
): Promise<Files> {
  const { summary, figure, findings } = await drawn(definition, folder);
  const { claims } = definition;
  return {
    ...resultFiles(summary, figure),
    ...await repeatFiles({ folder, claims, findings }),
  };
}

/**
 * Records the verdicts of other draws beside the published ones.
 *
 * @param other folder of their results.
 * @throws Error where they are not of the same experiment on other draws.
 */
export async function compareDraws<
  S extends GridSettings,
  Summary extends object,
>(
  definition: Drawing<S, Summary>,
  { folder, other }: { folder: string; other: string },
): Promise<void> {
  const { findings } = await drawn(definition, other);
  await recordRepeat(folder, { folder: other, findings });
  await rebuild(definition, folder);
}

/** All that follows from the records of an experiment. */
export interface Drawn extends Omit<ExperimentResults, "phases"> {
  /** The content of `summary.json`. */
  readonly summary: object;
}

/**
 * Summarizes, judges and draws the records in a folder.
 *
 * @throws Error where records are missing or do not belong together.
 */
export async function drawn<S extends GridSettings, Summary extends object>(
  definition: Drawing<S, Summary>,
  folder: string,
): Promise<Drawn> {
  const { settings: { schema }, claims } = definition;
  const stored = await readIdentity(folder);
  const runs = collectRuns(await readRuns(folder), {
    grid: stored?.grid,
    schema,
  });
  const summary = definition.summarize(runs);
  const findings: Finding[] = judge(claims, summary);
  const figure = {
    ...definition.figure(summary, findings),
    ...findings.length > 0 && { findings: figureFindings(findings) },
  };
  return { summary: { ...summary, findings }, figure, findings };
}
