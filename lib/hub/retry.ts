import { setTimeout as delay } from "node:timers/promises";

/** The Hub cannot be asked now, but the cache may still serve. */
export class Unreachable extends Error {}

/** A failure that may pass, so that another try is worthwhile. */
export class Transient extends Unreachable {
  /** Milliseconds that the host asks to be left alone; null where it does not. */
  readonly after: number | null;

  constructor(message: string, { cause, after = null }: {
    cause?: unknown;
    after?: number | null;
  } = {}) {
    super(message, { cause });
    this.after = after;
  }
}

/** The host is too busy, and has done nothing of the request. */
export class Busy extends Transient {}

/** How to wait for a host that is busy, or for another process. */
export interface Waiting {
  /** Called before a wait of seconds, with the reason. */
  onWait?: ((text: string) => void) | undefined;
  /** Waits for the time, or until the signal aborts. @default a timer */
  sleep?:
    | ((milliseconds: number, signal?: AbortSignal) => Promise<void>)
    | undefined;
}

/** Options for {@linkcode retrying}. */
export interface RetryOptions extends Waiting {
  /** Attempts without progress. @default 5 */
  tries?: number | undefined;
  /** Grows as an attempt advances; the count of tries then begins anew. */
  progress?: () => number;
  signal?: AbortSignal | undefined;
}

/** The first wait and the longest, in milliseconds. */
const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 8_000;
/** The longest wait that a host may ask for: the Hub counts requests in windows of it. */
const LONGEST_ASKED = 300_000;
/** A wait that is worth telling. */
const TOLD_WAIT = 2_000;

/**
 * Repeats an attempt that fails with {@linkcode Transient}. Waits double from
 * one second to eight, less up to half at random, so that clients do not all
 * return at once; a wait that the host asks for is kept if it is at most five
 * minutes.
 *
 * @throws the attempt's error, if it is not transient or the tries are used up.
 */
export async function retrying<T>(
  attempt: () => Promise<T>,
  options: RetryOptions = {},
): Promise<T> {
  const { tries = 5, onWait = () => {}, sleep = timer, signal } = options;
  const { progress = () => 0 } = options;
  let mark = progress();
  for (let failures = 1;; failures++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Transient) || signal?.aborted) throw error;
      if (progress() > mark) failures = 1;
      mark = progress();
      const pause = pauseAfter(error, failures);
      if (failures >= tries || pause > LONGEST_ASKED + FIRST_WAIT) {
        throw lastError(error, failures);
      }
      const seconds = Math.ceil(pause / 1000);
      if (pause >= TOLD_WAIT) {
        onWait(`${error.message}; next try in ${seconds} s`);
      }
      await sleep(pause, signal);
    }
  }
}

function pauseAfter({ after }: Transient, failures: number): number {
  if (after !== null) return after + FIRST_WAIT * Math.random();
  const doubled = FIRST_WAIT * 2 ** (failures - 1);
  return Math.min(doubled, LONGEST_WAIT) * (1 - Math.random() / 2);
}

function lastError(error: Transient, failures: number): Transient {
  const { message, after } = error;
  const asks = after !== null && after > LONGEST_ASKED
    ? ` and asks to wait ${Math.ceil(after / 1000)} s`
    : "";
  const times = failures > 1 ? `, ${failures} times in a row` : "";
  return new Transient(message + asks + times, { cause: error.cause, after });
}

/** Waits for the time, or until the signal aborts. */
export async function timer(
  milliseconds: number,
  signal?: AbortSignal,
): Promise<void> {
  await delay(milliseconds, undefined, signal && { signal });
}
