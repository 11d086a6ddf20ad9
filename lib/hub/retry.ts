import { setTimeout as delay } from "node:timers/promises";
import { Transient } from "./refusal.ts";

/** How to wait for a host that is busy, or for another process. */
export interface Waiting {
  /** Called before a wait of seconds, with what it is for. */
  onWait?: ((text: string) => void) | undefined;
  /**
   * Waits, until the signal at most.
   *
   * @default a timer
   */
  sleep?:
    | ((milliseconds: number, signal?: AbortSignal) => Promise<void>)
    | undefined;
}

/** Attempts without progress. */
const TRIES = 5;
/** Milliseconds of a wait. */
const FIRST = 1_000;
const LAST = 8_000;
/** The longest wait that a host may ask for: the Hub counts in such windows. */
const ASKED = 300_000;
/** Waits that are worth a word. */
const TOLD = 2_000;

/** A timer. */
export async function timer(
  milliseconds: number,
  signal?: AbortSignal,
): Promise<void> {
  await delay(milliseconds, undefined, signal && { signal });
}

/** Options for {@linkcode retrying}. */
export interface RetryOptions extends Waiting {
  /**
   * Attempts without progress.
   *
   * @default 5
   */
  tries?: number | undefined;
  /** Grows as an attempt gets on: the count of tries begins anew. */
  progress?: () => number;
  signal?: AbortSignal | undefined;
}

/**
 * Tries again what fails for a reason that may pass ({@linkcode Transient}),
 * each time after twice the wait, from one second to eight, of which up to half
 * is left out at random, so that not all clients come back at once; after the
 * wait that the host asks for, if that is not over five minutes.
 */
export async function retrying<T>(
  attempt: () => Promise<T>,
  options: RetryOptions = {},
): Promise<T> {
  const { tries = TRIES, onWait = () => {}, sleep = timer, signal } = options;
  const { progress = () => 0 } = options;
  let mark = progress();
  for (let failures = 1;; failures++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Transient) || signal?.aborted) throw error;
      if (progress() > mark) failures = 1;
      mark = progress();
      const pause = error.after === null
        ? Math.min(FIRST * 2 ** (failures - 1), LAST) * (1 - Math.random() / 2)
        : error.after + FIRST * Math.random();
      if (failures >= tries || pause > ASKED + FIRST) {
        throw givenUp(error, failures);
      }
      const seconds = Math.ceil(pause / 1000);
      if (pause >= TOLD) onWait(`${error.message}; next try in ${seconds} s`);
      await sleep(pause, signal);
    }
  }
}

function givenUp(error: Transient, failures: number): Transient {
  const { message, after } = error;
  const asks = after !== null && after > ASKED
    ? ` and asks to wait ${Math.ceil(after / 1000)} s`
    : "";
  const times = failures > 1 ? `, ${failures} times in a row` : "";
  return new Transient(message + asks + times, { cause: error.cause, after });
}
