import { Clock } from "../record/record.ts";
import type { Execution, ExperimentJobs, JobSetup } from "./definition.ts";
import {
  type DataPoint,
  EXACT,
  type GridPoint,
  gridPoints,
  type GridSettings,
} from "./grid.ts";
import type { JobsModule, Worker } from "./jobs.ts";
import {
  exactOf,
  type Outcome,
  type Recorded,
  recordName,
  type TimedOutcome,
} from "./records.ts";
import { shareTasks, type Task, ValueTask } from "./tasks.ts";
import { withWorkers } from "./workers.ts";

export interface JobsOptions<S> extends Execution {
  readonly settings: S;
  /** Names of the records that exist. */
  readonly finished: ReadonlySet<string>;
  /** Called with each result. */
  readonly onOutcome: (
    recorded: Recorded,
    outcome: TimedOutcome,
  ) => Promise<void>;
  /**
   * Gives the value that an earlier process made, or makes it.
   *
   * @default makes it
   */
  readonly keep?: <T>(name: string, make: () => Promise<T>) => Promise<T>;
  /** Folder for runs to be followed in. @default none */
  readonly live?: string;
  /** Folder for the states of runs that may be cut off. @default none */
  readonly checkpoints?: string;
}

type JobWorker<Start, Data> = Worker<ExperimentJobs<Start, Data>>;

/**
 * Runs the jobs of an experiment that are not finished, draw by draw. Workers
 * share them; a job that others wait for comes first.
 *
 * @throws Error that names the jobs that failed, after all others.
 */
export async function runJobs<S extends GridSettings, Start, Data>(
  module: JobsModule<JobSetup<S>, ExperimentJobs<Start, Data>>,
  { settings, device, live, checkpoints, workers: count, ...options }:
    JobsOptions<S>,
): Promise<void> {
  const { watch, signal } = options;
  const { tasks, done } = tasksOf<Start, Data>(settings, options);
  if (tasks.length === 0) return;
  const setup = {
    ...{ settings, device, ...live !== undefined && { live } },
    ...checkpoints !== undefined && { checkpoints },
  };
  const shares = { module, setup, device, count, signal };
  await withWorkers(shares, async (workers) => {
    const total = done + tasks.length;
    const shown = watch({ title: "jobs", total, done });
    let finished = done;
    const onDone = () => shown.update(++finished);
    try {
      await shareTasks(workers, tasks, { signal, onDone });
    } finally {
      shown.finish();
    }
  });
}

/** The jobs of an experiment as tasks, and the number of those that are done. */
function tasksOf<Start, Data>(
  settings: GridSettings,
  options: Pick<JobsOptions<never>, "finished" | "onOutcome" | "keep">,
): { tasks: Task<JobWorker<Start, Data>>[]; done: number } {
  const { finished, onOutcome } = options;
  const points = gridPoints(settings);
  const isDone = (recorded: Recorded) => finished.has(recordName(recorded));
  const tasks: Task<JobWorker<Start, Data>>[] = [];
  const exact = exactOf(settings);
  if (!isDone(exact)) {
    tasks.push({
      name: EXACT,
      run: async (worker) => {
        const outcome = await timed(() => worker.run("exact", null));
        if (outcome) await onOutcome(exact, outcome);
      },
    });
  }
  for (const draw of settings.draws) {
    const missing = points.filter((point) =>
      point.draw === draw && !isDone({ point })
    );
    const measures = !isDone({ draw });
    if (missing.length === 0 && !measures) continue;
    tasks.push(...drawTasks<Start, Data>(draw, { missing, measures, options }));
  }
  const done = points.filter((point) => isDone({ point })).length;
  return { tasks, done };
}

/** The jobs of a draw: its model, then the data of each seed, then the runs. */
function drawTasks<Start, Data>(
  draw: number,
  { missing, measures, options: { onOutcome, keep = (_, make) => make() } }: {
    missing: readonly GridPoint[];
    measures: boolean;
    options: Pick<JobsOptions<never>, "onOutcome" | "keep">;
  },
): Task<JobWorker<Start, Data>>[] {
  const start = new ValueTask(
    `start-draw${draw}`,
    (worker: JobWorker<Start, Data>) =>
      keep(`start-draw${draw}`, () => worker.run("start", draw)),
  );
  const reference = () =>
    start.user(recordName({ draw }), async (worker, start) => {
      const outcome = await timed(() =>
        worker.run("reference", { draw, start })
      );
      if (outcome) await onOutcome({ draw }, outcome);
    });
  const byData = Map.groupBy(missing, dataName);
  const data = new Map(
    [...byData].map(([name, [first]]) => [
      name,
      start.maker(name, async (worker, start) => {
        const { seed, level } = first!;
        const input = { draw, seed, level, start };
        const data = await keep(name, () => worker.run("prepare", input));
        return { start, data };
      }),
    ]),
  );
  const runs = missing.map((point) =>
    data.get(dataName(point))!.user(
      recordName({ point }),
      async (worker, shared) =>
        await onOutcome(
          { point },
          await timed(() => worker.run("run", { point, ...shared })),
        ),
    )
  );
  return [start, ...measures ? [reference()] : [], ...data.values(), ...runs];
}

/** The outcome of a job, with the time that it took unless it says so itself. */
async function timed<O extends Outcome | null>(
  work: () => Promise<O>,
): Promise<O & TimedOutcome | Extract<O, null>> {
  const clock = new Clock();
  const outcome = await work();
  return outcome && { timings: clock.timings(), ...outcome };
}

function dataName({ draw, seed, level }: DataPoint): string {
  const levels = Object.entries(level).map(([name, value]) =>
    `-${name}${value}`
  );
  return `data${levels.join("")}-draw${draw}-seed${seed}`;
}
