import type { Timings } from "lib/record.ts";

/** Tells how long each phase of a run took. */
export class Clock {
  readonly #startedAt = new Date().toISOString();
  readonly #start = performance.now();
  readonly #phases: Record<string, number> = {};
  #last = this.#start;

  /** Ends a phase. */
  lap(phase: string): void {
    const now = performance.now();
    this.#phases[phase] = (now - this.#last) / 1000;
    this.#last = now;
  }

  timings(): Timings {
    return {
      startedAt: this.#startedAt,
      seconds: (performance.now() - this.#start) / 1000,
      phases: { ...this.#phases },
    };
  }
}
