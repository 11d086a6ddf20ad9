import { join } from "node:path";
import { orNull } from "../files/missing.ts";
import { provenance } from "../record/environment.ts";
import type { Execution, ExperimentDefinition } from "./definition.ts";
import type { GridSettings } from "./grid.ts";
import { identityOf } from "./identity.ts";
import { type Outcome, readRuns, recordName, recordsOf } from "./records.ts";
import { ResultsFolder } from "./results_folder.ts";
import { runJobs } from "./run_jobs.ts";
import type { Site } from "./site.ts";

/** How learning rates are tried. */
export interface TuneOptions extends Execution {
  /**
   * Folder of the trials of a site, until rates are chosen: the same command
   * goes on with them. Those of this machine are in memory.
   */
  readonly trials: string;
}

/** The results of trials, by the name of their record. */
export type Outcomes = ReadonlyMap<string, Outcome>;

/** Runs the jobs of settings, except for those that have results already. */
export type Trying<S> = (settings: S, beside: Outcomes) => Promise<Outcomes>;

type Tried<S extends GridSettings, Start, Data> = Pick<
  ExperimentDefinition<S, Start, Data, object>,
  "name" | "jobs"
>;

/** Tries settings on this machine, or on the site of the options. */
export function trying<S extends GridSettings, Start, Data>(
  tried: Tried<S, Start, Data>,
  { site, ...options }: TuneOptions,
): Trying<S> {
  return site
    ? (settings, beside) =>
      triedOn(site, tried, { settings, beside, ...options })
    : triedHere(tried.jobs, options);
}

function triedHere<S extends GridSettings, Start, Data>(
  jobs: Tried<S, Start, Data>["jobs"],
  execution: Execution,
): Trying<S> {
  const kept = new Map<string, unknown>();
  return async (settings, beside) => {
    const made = new Map<string, Outcome>();
    await runJobs(jobs, {
      ...{ ...execution, settings, finished: new Set(beside.keys()) },
      keep: remembering(kept),
      onOutcome: (recorded, outcome) => {
        made.set(recordName(recorded), outcome);
        return Promise.resolve();
      },
    });
    return made;
  };
}

/** Models and data do not depend on rates, as what stands beside runs: they are made once. */
function remembering(kept: Map<string, unknown>) {
  return async <T>(name: string, make: () => Promise<T>): Promise<T> => {
    const found = kept.get(name) as T | undefined;
    if (found !== undefined) return found;
    const made = await make();
    kept.set(name, made);
    return made;
  };
}

async function triedOn<S extends GridSettings, Start, Data>(
  site: Site,
  { name: experiment, jobs: { url } }: Tried<S, Start, Data>,
  { settings, beside, trials, ...execution }: Omit<TuneOptions, "site"> & {
    settings: S;
    beside: Outcomes;
  },
): Promise<Outcomes> {
  const [rate] = settings.methods.map(({ learningRate }) => learningRate);
  const context = { experiment, settings, device: execution.device };
  const identity = await identityOf({ ...context, url });
  const { methods, draws, seeds, levels } = settings;
  const grid = { methods, draws, seeds, levels };
  await using folder = await ResultsFolder.open(join(trials, `lr${rate}`), {
    ...{ identity, grid, replace: true },
  });
  const wanted = recordsOf(settings)
    .filter((each) => !beside.has(recordName(each)));
  await folder.fill(site, {
    ...{ wanted, url, execution },
    context: { ...context, provenance: await provenance() },
  });
  const made = await readRuns(folder.path);
  return new Map(
    made.map(({ record, rows }) => [record.name, { ...record, rows }]),
  );
}

/** Removes the trials of a site, once rates are chosen. */
export async function removeTrials(
  { site, trials }: Pick<TuneOptions, "site" | "trials">,
): Promise<void> {
  if (site) await orNull(Deno.remove(trials, { recursive: true }));
}
