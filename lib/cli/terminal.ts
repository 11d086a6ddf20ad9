import { undoUnfinished } from "../files/temporary.ts";
import { UsageError } from "./flags.ts";
import {
  errorText,
  markedText,
  progressText,
  tableText,
} from "./terminal_text.ts";

/**
 * Runs a program. Prints its help if the command line asks for it, and errors
 * in one or two lines. The exit status is 0 on success only: 2 if the command
 * line is wrong, 128 and its number after a signal, which a closed pipe is like,
 * and else 1. A signal that asks for the end ends the process at once, without
 * the files that are being written, except in the scope of an
 * {@linkcode interruption}.
 *
 * @param parse reads the command line.
 * @param main runs the program with its arguments.
 * @param stopped tells what a signal left, and how to go on with it; undefined
 * where another process tells it.
 */
export async function runVerb<A extends { debug: boolean }>(
  parse: () => { help: string } | A | Promise<{ help: string } | A>,
  main: (args: A) => void | Promise<void>,
  stopped: () => string | undefined = () => "Stopped",
): Promise<void> {
  using _ = onEnding(() => {
    if (interruptions === 0) exit(stopped());
  });
  let debug = false;
  let isRead = false;
  try {
    const args = await parse();
    if (!("debug" in args)) return say(args.help);
    debug = args.debug;
    isRead = true;
    await main(args);
  } catch (error) {
    // Nobody reads on, as after `| head`: that is no error of the program.
    const isUnread = error instanceof Deno.errors.BrokenPipe;
    const isUsage = !isRead || error instanceof UsageError;
    const status = isUnread ? 128 + SIGPIPE : isUsage ? 2 : 1;
    Deno.exitCode ||= status; // unless a signal set it
    release();
    if (!isUnread) tell("error:", 31, errorText(error, { debug }));
  }
}

const SIGPIPE = 13;

/** Prints a result. */
export function say(text: string): void {
  beside(() => write(Deno.stdout, `${text}\n`));
}

/** Prints a message that is no result, to standard error. */
export function note(text: string): void {
  beside(() => write(Deno.stderr, `${text}\n`));
}

/** Prints a warning. */
export function warn(text: string): void {
  beside(() => tell("warning:", 33, text));
}

/** Prints parts of a text, marked by {@linkcode markedText}. */
export function sayMarked(parts: Parameters<typeof markedText>[0]): void {
  const colour = !Deno.noColor && Deno.stdout.isTerminal();
  say(markedText(parts, { colour }));
}

/** Prints rows, aligned by {@linkcode tableText}. */
export function table(...args: Parameters<typeof tableText>): void {
  say(tableText(...args));
}

/** The screen on which progress is drawn, and its clock. */
export interface Screen {
  /** Width of a terminal; `null` for a file, in which every line stays. */
  columns(): number | null;
  /** Milliseconds. */
  now(): number;
  /** Prints a line in place of the pinned one. */
  print(line: string): void;
  /** Prints a line that the next one replaces. */
  pin(line: string): void;
}

let pinned = "";
const ERASE = "\r\x1b[K";

// Standard error, so that standard output holds results alone.
const SCREEN: Screen = {
  columns: () =>
    Deno.stderr.isTerminal() ? Deno.consoleSize().columns || 80 : null,
  now: () => performance.now(),
  print: (line) => {
    write(Deno.stderr, `${pinned && ERASE}${line}\n`);
    pinned = "";
  },
  pin: (line) => {
    write(Deno.stderr, ERASE + line);
    pinned = line;
  },
};

/** Milliseconds between lines that are redrawn, and between lines that stay. */
const REDRAWN = 100;
const PLAIN = 5_000;
/** Milliseconds over which the rate is taken at least. */
const WINDOW = 30_000;

/** Number of finished steps at a time. */
interface Mark {
  readonly done: number;
  readonly at: number;
}

/** Progress of a loop; see {@linkcode progress}. */
export interface Progress extends Disposable {
  /** Sets the number of finished steps, and metrics of the last one. */
  update(done: number, metrics?: Readonly<Record<string, number>>): void;
  /** Draws the last state, which stays; the end of a `using` scope does the same. */
  finish(): void;
}

/**
 * Shows the progress of a loop: on a terminal in one line that is redrawn,
 * otherwise in a new line every few seconds. The rate covers the last half
 * minute, and in the end the whole run.
 *
 * @param options `done`: steps of the `total` that an earlier process finished.
 */
export function progress(
  options: { title: string; total: number; done?: number; screen?: Screen },
): Progress {
  const { title, total, done: before = 0, screen = SCREEN } = options;
  const start: Mark = { done: before, at: screen.now() };
  const drawn = [start];
  let last = start;
  let metrics: Readonly<Record<string, number>> = {};
  let ended = false;
  const draw = () => {
    while (drawn[1] && drawn[1].at <= last.at - WINDOW) drawn.shift();
    const rate = rateBetween(ended ? start : drawn[0]!, last);
    const elapsed = (last.at - start.at) / 1000;
    const state = { title, done: last.done, total, rate, elapsed, metrics };
    const columns = screen.columns();
    const text = progressText({ ...state, ended }, columns);
    if (columns === null || ended) screen.print(text);
    else screen.pin(text);
    drawn.push(last);
  };
  const finish = () => {
    if (ended) return;
    ended = true;
    draw();
  };
  if (screen.columns() !== null) draw();
  return {
    update(done, figures = {}) {
      last = { done, at: screen.now() };
      metrics = figures;
      const pause = screen.columns() === null ? PLAIN : REDRAWN;
      if (last.at - drawn.at(-1)!.at >= pause) draw();
    },
    finish,
    [Symbol.dispose]: finish,
  };
}

/** Steps a second; 0 before any time has passed. */
function rateBetween(from: Mark, to: Mark): number {
  return to.at > from.at ? 1000 * (to.done - from.done) / (to.at - from.at) : 0;
}

/** Signals that ask a program to end: Ctrl-C, a scheduler, a closed terminal. */
const ENDING = [["SIGINT", 2], ["SIGTERM", 15], ["SIGHUP", 1]] as const;

/** Whether a signal asked for the end; see {@linkcode interruption}. */
export interface Interruption extends Disposable {
  readonly requested: boolean;
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** Prints a message and ends the process, whatever is still under way. */
  end(text: string): never;
}

/**
 * Milliseconds in which a second signal is the first once more: `deno task`
 * passes on what a terminal sends to all of its programs.
 */
const ECHO = 300;

/** Interruptions that are listened for, in place of ending at once. */
let interruptions = 0;

/**
 * Listens until disposed of for the signals that ask a program to end. The
 * first one asks the run to stop, the second ends the process. The exit status
 * is 128 and the number of the signal in both cases, as shells have it.
 *
 * @param step the part of the work that is finished first, for the warning;
 * null where the work stops at once.
 */
export function interruption(step: string | null = "this step"): Interruption {
  const stop = new AbortController();
  let askedAt = 0;
  const listening = onEnding(() => {
    if (stop.signal.aborted) {
      return performance.now() - askedAt > ECHO ? exit() : undefined;
    }
    askedAt = performance.now();
    if (step !== null) {
      warn(`stopping after ${step}; Ctrl-C again stops at once`);
    }
    stop.abort();
  });
  interruptions++;
  return {
    get requested() {
      return stop.signal.aborted;
    },
    signal: stop.signal,
    end: (text) => exit(text),
    [Symbol.dispose]: () => {
      listening[Symbol.dispose]();
      interruptions--;
    },
  };
}

/** Calls a function at each signal, once the exit status is that of the signal. */
function onEnding(ended: () => void): Disposable {
  const listeners = ENDING.map(([name, number]) => {
    const listener = () => {
      Deno.exitCode = 128 + number;
      ended();
    };
    Deno.addSignalListener(name, listener);
    return () => Deno.removeSignalListener(name, listener);
  });
  return { [Symbol.dispose]: () => listeners.forEach((remove) => remove()) };
}

/** Ends the process. A terminal that is closed shows no message. */
function exit(text?: string): never {
  try {
    undoUnfinished();
    release();
    if (text !== undefined) note(text);
  } finally {
    Deno.exit();
  }
}

/** Ends the pinned line, which stays. */
function release(): void {
  if (pinned) write(Deno.stderr, "\n");
  pinned = "";
}

/** Prints above the pinned line. */
function beside(print: () => void): void {
  if (pinned) write(Deno.stderr, ERASE);
  print();
  if (pinned) write(Deno.stderr, pinned);
}

function tell(label: string, colour: number, text: string): void {
  const plain = Deno.noColor || !Deno.stderr.isTerminal();
  const head = plain ? label : `\x1b[${colour}m${label}\x1b[39m`;
  write(Deno.stderr, `${head} ${text}\n`);
}

function write(stream: typeof Deno.stdout, text: string): void {
  let bytes = new TextEncoder().encode(text);
  try {
    while (bytes.length) bytes = bytes.subarray(stream.writeSync(bytes));
  } catch (error) {
    // Without a terminal to show it the work goes on.
    if (stream === Deno.stderr && isClosed(error)) return;
    throw error;
  }
}

/** Whether nobody can read any more: the pipe or the terminal is closed. */
function isClosed(error: unknown): boolean {
  return error instanceof Deno.errors.BrokenPipe ||
    error instanceof Error && "code" in error && error.code === "EIO";
}
