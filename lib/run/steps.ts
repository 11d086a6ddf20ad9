import { GroupError } from "../distributed/group.ts";
import {
  type MetricsRow,
  metricsWriter,
  readMetrics,
} from "../record/metrics.ts";
import type { Clock } from "../record/record.ts";
import { type ParameterStore, writeCheckpoint } from "../train/checkpoints.ts";
import { type StepMetrics, train } from "../train/loop.ts";
import { DeviceError } from "../onnx/providers.ts";
import type { Reference } from "../train/reference.ts";
import type { Stop } from "../train/stop.ts";
import type { Snapshot } from "../train/trained_parameters.ts";
import type { Trainer } from "../train/trainer.ts";
import type { RunFolder } from "./folder.ts";
import type { Measures } from "./measures.ts";
import type { PreparedRun } from "./plan.ts";

/** Progress of the steps of a run, and its interruption. */
export interface StepHooks {
  /** Called before the first step, and after each. */
  onStep?: (step: number, metrics?: StepMetrics) => void;
  /** Told of a checkpoint that is damaged or cannot be written, and the like. */
  onNote?: (text: string) => void;
  /** Ends the run within a micro-batch. */
  stop?: Stop;
}

/** Options of {@linkcode takeSteps}. */
export interface StepsOptions extends StepHooks {
  readonly clock: Clock;
  /** The folder for lines and checkpoints; null for none. */
  readonly folder: RunFolder | null;
  readonly reference: Reference | null;
  readonly measures: Measures;
  /** The state to go on from; null for the beginning. */
  readonly start: Snapshot | null;
  readonly parameters: ParameterStore;
  /** Whether graphs are freed that the next phase does not need. */
  readonly freesGraphs: boolean;
  /** Whether to take no step, and end at `start`. */
  readonly finish: boolean;
  /** Called after the last step: what comes of the run, which a device may lose. */
  readonly end: () => Promise<void>;
}

/** Milliseconds between checkpoints, where no number of steps is given. */
const SAVE_AFTER = 5 * 60_000;

/**
 * Takes the steps that are left.
 *
 * @returns all lines of metrics; null if a stop was requested.
 */
export async function takeSteps(
  run: PreparedRun,
  trainer: Trainer,
  { clock, reference, measures, onStep, onNote, stop, end, ...options }:
    StepsOptions,
): Promise<readonly MetricsRow[] | null> {
  const { folder, start } = options;
  if (start) await trainer.restore(start);
  onStep?.(trainer.step);
  const lines = new Lines(folder?.metrics ?? null, start?.step ?? -1);
  if (!start && measures.start) lines.add(measures.start);
  if (options.finish) return await end().then(() => lines.cut());
  const saving = new Saving(run, trainer, options);
  // The run goes on: the next checkpoint may have more luck.
  const onDefect = (error: Error) =>
    onNote?.(`step ${trainer.step} is not saved: ${error.message}`);
  const lineOf = async (metrics: StepMetrics) =>
    measures.line ? await measures.line(metrics) : metrics;
  const steps = () =>
    train(trainer, run.plan, {
      reference,
      stop,
      ...options.freesGraphs && { onLastStep: () => trainer.pauseSteps() },
      measure: async () => {
        saving.keepsNext = true;
        return await measures.evaluation?.() ?? {};
      },
      onStep: async (metrics) => {
        const line = await clock.within("evaluate", () => lineOf(metrics));
        if (line) lines.add(line);
        onStep?.(metrics.step, metrics);
        if (!line) return;
        if (saving.isDue(metrics.step)) await saving.save().catch(onDefect);
        await saving.passLine();
      },
    });
  return await saving.rescuing(async () => {
    if (await steps()) return await end().then(() => lines.all());
    // A run without a step has nothing to save.
    if (trainer.step > 0) await saving.save();
    return null;
  });
}

/** Writes checkpoints, at given steps or when some minutes have passed. */
class Saving {
  #savedAt = performance.now();
  /** The step of the last checkpoint; 0 for none. */
  #saved: number;
  /**
   * The last step with a line. Elsewhere measures may hold what a checkpoint
   * lacks, and the line of a step whose evaluation failed would never come.
   */
  #line: number;
  /** Whether the state at the next line is one to keep: that of an evaluation. */
  keepsNext = false;
  /** The state at the last evaluation on a device, which may be lost. */
  #kept: Snapshot | null = null;

  constructor(
    private readonly run: PreparedRun,
    private readonly trainer: Trainer,
    private readonly options: Pick<
      StepsOptions,
      "folder" | "parameters" | "start"
    >,
  ) {
    this.#saved = options.start?.step ?? 0;
    this.#line = this.#saved;
  }

  isDue(step: number): boolean {
    const { saveEvery } = this.run.settings;
    return saveEvery === null
      ? performance.now() - this.#savedAt > SAVE_AFTER
      : saveEvery > 0 && step % saveEvery === 0;
  }

  async save(): Promise<void> {
    this.#savedAt = performance.now();
    if (this.options.folder) await this.#write(await this.trainer.view());
  }

  /**
   * Takes note of a step's line. Copies the state of an evaluation from a device
   * to this process, where it is safe.
   */
  async passLine(): Promise<void> {
    const { options: { device }, step } = this.trainer;
    this.#line = step;
    const isKept = this.keepsNext && device !== "cpu" && this.options.folder;
    this.keepsNext = false;
    if (isKept) this.#kept = await this.trainer.save();
  }

  /**
   * Does a part of the run. Where a device or a rank fails in it, what that has left is
   * saved: its state, if that has a line and can still be read, or else the one
   * that was kept.
   *
   * @throws Error that says what is saved and how to go on.
   */
  async rescuing<T>(part: () => Promise<T>): Promise<T> {
    return await part().catch(async (error) => {
      const mayRescue = error instanceof DeviceError ||
        error instanceof GroupError;
      throw mayRescue ? await this.#rescue(error) : error;
    });
  }

  async #rescue(cause: DeviceError | GroupError): Promise<Error> {
    const { folder } = this.options;
    if (!folder) return cause;
    const { step } = this.trainer;
    if (step > this.#saved && step === this.#line) {
      await this.save().catch(() => this.#writeKept());
    } else await this.#writeKept();
    const kept = this.#saved > 0
      ? `Step ${this.#saved} is saved in ${folder.path}: go on with the same ` +
        "command and --resume, there or with --device cpu"
      : "Nothing is saved: there was no checkpoint (--save-every) and no " +
        "evaluation (--eval-every)";
    return new Error(
      `${cause.message.replace(/\.$/, "")}, after step ${step} of the run. ` +
        kept,
      { cause },
    );
  }

  async #writeKept(): Promise<void> {
    const kept = this.#kept;
    if (kept && kept.step > this.#saved) await this.#write(kept);
  }

  async #write(snapshot: Snapshot): Promise<void> {
    const { identity, computing } = this.run;
    const { folder, parameters } = this.options;
    const options = { identity, computing, parameters };
    await writeCheckpoint(folder!.checkpoints, snapshot, options);
    this.#saved = snapshot.step;
  }
}

/** Lines of metrics, in a file or in memory. */
class Lines {
  readonly #kept: MetricsRow[] = [];
  #append: ((row: MetricsRow) => void) | undefined;

  /** @param keepThrough step of the last line in the file that counts. */
  constructor(
    private readonly path: string | null,
    private readonly keepThrough: number,
  ) {}

  /** The file is opened for the first line, so that a failed run leaves none. */
  add(row: MetricsRow): void {
    const { path, keepThrough } = this;
    if (path === null) this.#kept.push(row);
    else (this.#append ??= metricsWriter(path, { keepThrough }))(row);
  }

  /** The lines that count, without those of later steps in the file. */
  cut(): readonly MetricsRow[] {
    const { path, keepThrough } = this;
    if (path !== null) metricsWriter(path, { keepThrough });
    return this.all();
  }

  all(): readonly MetricsRow[] {
    return this.path === null ? this.#kept : readMetrics(this.path);
  }
}
