/** Whether work is to stop, read between its smallest parts. */
export interface Stop {
  /** True once it was asked for. */
  readonly requested: boolean;
}

/** Thrown between two micro-batches where a stop was requested. */
export class Stopped extends Error {
  /** Tells it from other errors. */
  override name = "Stopped";
}

/** @throws Stopped if it is requested. */
export function throwIfStopped(stop: Stop | undefined): void {
  if (stop?.requested) throw new Stopped("A stop was requested");
}

/** Turns a stop into null, and throws every other error again. */
export function nullIfStopped(error: unknown): null {
  if (error instanceof Stopped) return null;
  throw error;
}
