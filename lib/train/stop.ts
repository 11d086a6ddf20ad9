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

/** Milliseconds after which signals get a turn. */
const TURN_AFTER = 50;
let lastTurn = 0;

/**
 * Looks for a stop, after signals have had their turn: sessions compute without
 * ever giving them one, and `setImmediate` does not reliably do so in Deno.
 *
 * @throws Stopped if it is requested.
 */
export async function throwIfStopped(stop: Stop | undefined): Promise<void> {
  if (!stop) return;
  if (performance.now() - lastTurn > TURN_AFTER) {
    await new Promise((resolve) => setTimeout(resolve));
    lastTurn = performance.now();
  }
  if (stop.requested) throw new Stopped("A stop was requested");
}

/** Turns a stop into null, and throws every other error again. */
export function nullIfStopped(error: unknown): null {
  if (error instanceof Stopped) return null;
  throw error;
}
