import { join } from "node:path";
import { exists } from "../files/missing.ts";
import type { MetricsRow } from "../record/metrics.ts";
import { readRecord, type RunRecord } from "../record/record.ts";
import { LOCK, readRunning, type Running } from "../run/running.ts";
import { curvePlots, measuredIn, stylesOf } from "./curves.ts";
import { HeldLock } from "./held_lock.ts";
import { MetricsTail } from "./metrics_tail.ts";
import { textsOf } from "./texts.ts";
import type { Watched, WatchedDetails, WatchedState } from "./watched.ts";

/** Steps that the rate is taken over. */
const WINDOW = 20;

/** The folder of a run of training, from its first moment to its record. */
export class WatchedTraining implements Watched {
  readonly #tail: MetricsTail;
  readonly #lock: HeldLock;
  #running: Running | null = null;
  #record: RunRecord | null = null;
  #isHeld = false;
  #revision = 0;

  constructor(
    private readonly folder: string,
    private readonly name: string,
  ) {
    this.#tail = new MetricsTail(join(folder, "metrics.jsonl"));
    this.#lock = new HeldLock(join(folder, LOCK), folder);
  }

  async refresh(): Promise<void> {
    const { folder } = this;
    if (await this.#tail.read()) this.#revision++;
    const path = join(folder, "run.json");
    const isFinished = await exists(path);
    if (isFinished !== (this.#record !== null)) {
      this.#record = isFinished ? await readRecord(path) : null;
      this.#revision++;
    }
    this.#isHeld = !isFinished && await this.#lock.isHeld();
    // What a run that was stopped said of itself still holds.
    this.#running = await readRunning(folder) ?? this.#running;
  }

  state(): WatchedState {
    const { rows } = this.#tail;
    const { name } = this;
    const isFinished = this.#record !== null;
    const done = rows.at(-1)?.step ?? 0;
    return {
      ...{ name, done, unit: "step", revision: this.#revision },
      about: this.#about(),
      phase: isFinished ? "finished" : this.#isHeld ? "running" : "stopped",
      total: isFinished ? done : this.#running?.steps ?? null,
      rate: rateOf(rows),
      latest: measuredIn(rows.at(-1)),
    };
  }

  details(): Promise<WatchedDetails> {
    const { rows } = this.#tail;
    const { name } = this;
    const loss = this.#loss();
    const { step = 0 } = rows.at(-1) ?? {};
    return Promise.resolve({
      runs: [{
        ...{ name, step, latest: measuredIn(rows.at(-1)) },
        color: stylesOf([{ loss }])[0]!.line.color,
        texts: textsOf(this.#record),
      }],
      found: 1,
      plots: curvePlots([{ name, loss, rows }]),
    });
  }

  #loss(): string {
    return this.#record?.objective?.loss ?? this.#running?.loss ?? "";
  }

  #about(): string {
    const [model, data] = this.#record
      ? [this.#record.model.source, this.#record.data[0]?.source]
      : [this.#running?.model, this.#running?.data];
    const place = [model, data].filter((text) => text).join(" on ");
    return [this.#loss(), place].filter((text) => text).join(": ");
  }
}

/** Steps a second, by the seconds of the last rows; null where rows have none. */
function rateOf(rows: readonly MetricsRow[]): number | null {
  const [before, ...last] = rows.slice(-WINDOW - 1);
  const steps = (last.at(-1)?.step ?? 0) - (before?.step ?? 0);
  const seconds = last.reduce((sum, row) => sum + Number(row["seconds"]), 0);
  return steps > 0 && seconds > 0 ? steps / seconds : null;
}
