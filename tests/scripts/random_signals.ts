/**
 * Ends verbs by signals at random moments, and repeats the same command line:
 * it has to end with the bytes of an undisturbed run, times aside, and without
 * a stray file.
 *
 *     deno run -A tests/scripts/random_signals.ts [ROUNDS] [SEED] [SCENE]
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { say, table } from "lib/cli/terminal.ts";
import { VOLATILE } from "lib/record/differences.ts";
import { sha256 } from "lib/record/sha256.ts";
import { Rng } from "lib/rng.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { type Outcome, outcome, spawnScript } from "./run_script.ts";
import { type Scene, signalStage } from "./signal_scenes.ts";

/** Exit statuses of the signals. */
const SIGNALS = { SIGKILL: 137, SIGTERM: 143, SIGINT: 130, SIGHUP: 129 };
type Signal = keyof typeof SIGNALS;

/** Milliseconds in which a signal is obeyed. */
const SECONDS = 10_000;

/** A signal that was sent, when, and what came of it. */
export interface Sent {
  readonly scene: string;
  readonly signal: Signal;
  /** Milliseconds after the start. */
  readonly after: number;
  /** Milliseconds until the process had ended. */
  readonly took: number;
  readonly code: number;
  readonly pid: number;
  /** The last line to standard error. */
  readonly told: string;
}

/**
 * Sends signals to scenes in turn.
 *
 * @param options `only`: part of the name of the scenes.
 * @throws AssertionError that names the scene and the signals sent to it.
 */
export async function randomSignals(
  rounds: number,
  { seed = "0", only = "", onSent = () => {} }: {
    seed?: string;
    only?: string;
    onSent?: (sent: Sent) => void;
  } = {},
): Promise<void> {
  using folder = temporaryFolder();
  await using stage = await signalStage(folder.path);
  const scenes = stage.scenes.filter(({ name }) => name.includes(only));
  const known = new Map<string, Undisturbed>();
  const rng = new Rng(`signals ${seed}`);
  for (let round = 0; round < rounds; round++) {
    const scene = scenes[round % scenes.length]!;
    const trial = new Trial(scene, { folder: folder.path, env: stage.env });
    const undisturbed = known.get(scene.name) ?? await trial.undisturbed();
    known.set(scene.name, undisturbed);
    await trial.disturbed(undisturbed, rng, onSent);
  }
}

/** When a signal is sent: milliseconds after the start, or after a write began. */
interface Moment {
  readonly isWriting: boolean;
  readonly after: number;
}

interface Undisturbed {
  readonly files: Record<string, string>;
  /** Milliseconds. */
  readonly took: number;
}

class Trial {
  readonly #sent: Sent[] = [];

  constructor(
    private readonly scene: Scene,
    private readonly place: { folder: string; env: Scene["env"] },
  ) {}

  async undisturbed(): Promise<Undisturbed> {
    await this.#begin();
    const start = performance.now();
    const { code, err } = await outcome(this.#spawn());
    strictEqual(code, 0, `${this.scene.name}: ${err}`);
    return { took: performance.now() - start, files: await this.#files() };
  }

  /** Ends the scene once or twice, and compares what it comes to after all. */
  async disturbed(
    { took, files }: Undisturbed,
    rng: Rng,
    onSent: (sent: Sent) => void,
  ): Promise<void> {
    await this.#begin();
    for (let times = 1 + rng.integer(2); times > 0; times--) {
      const signals = Object.keys(SIGNALS) as Signal[];
      const signal = signals[rng.integer(signals.length)]!;
      // More of them while it works than while it starts, and many while it
      // writes.
      const isWriting = rng.uniform() < 0.4;
      const after = isWriting
        ? 20 * rng.uniform()
        : took * Math.sqrt(rng.uniform());
      const sent = await this.#send(signal, { isWriting, after });
      this.#sent.push(sent);
      onSent(sent);
      this.#checkSignal(sent);
    }
    const { code, err } = await outcome(this.#spawn());
    strictEqual(code, 0, `${this.#story()}\n${err}`);
    deepStrictEqual(await this.#files(), files, this.#story());
  }

  async #send(signal: Signal, moment: Moment): Promise<Sent> {
    const begun = performance.now();
    const child = this.#spawn();
    let isEnded = false;
    const ended = outcome(child).finally(() => isEnded = true);
    while (moment.isWriting && !isEnded && !this.#writtenBy(child).length) {
      await pause(1);
    }
    await Promise.race([ended, pause(moment.after)]);
    const after = Math.round(performance.now() - begun);
    try {
      child.kill(signal);
    } catch {
      // It has ended already.
    }
    const start = performance.now();
    const { code, err }: Outcome = await ended;
    const took = Math.round(performance.now() - start);
    const told = err.trimEnd().split("\n").at(-1)!;
    const { pid } = child;
    return { scene: this.scene.name, signal, after, took, code, pid, told };
  }

  /** What a process has not finished writing. */
  #writtenBy({ pid }: { pid: number }): string[] {
    const ending = RegExp(`-${pid}-[0-9a-f]+\\.tmp\\b`);
    return [...below(this.#out)].filter((path) => ending.test(path));
  }

  /** A signal is obeyed, and one that is heard leaves nothing half-written. */
  #checkSignal(sent: Sent): void {
    const { signal, code, took } = sent;
    const story = this.#story();
    ok(code === 0 || code === SIGNALS[signal], story);
    ok(took < SECONDS, story);
    if (signal === "SIGKILL") return;
    deepStrictEqual(this.#writtenBy(sent), [], story);
  }

  get #out(): string {
    return join(this.place.folder, "out");
  }

  #story(): string {
    return JSON.stringify(this.#sent, null, 1);
  }

  #spawn(): Deno.ChildProcess {
    const { folder, env } = this.place;
    const { verb, args, env: own } = this.scene;
    return spawnScript(verb, args, {
      cwd: folder,
      env: {
        TMPDIR: join(folder, "out/tmp"),
        XDG_CACHE_HOME: join(folder, "out/cache"),
        HF_HOME: join(folder, "out/hf"),
        ...env,
        ...own,
      },
    });
  }

  async #begin(): Promise<void> {
    const out = this.#out;
    await Deno.remove(out, { recursive: true }).catch(() => {});
    await Deno.mkdir(join(out, "tmp"), { recursive: true });
    await this.scene.begin?.(out);
  }

  /** Every file of the outputs, by a hash of what does not tell the time. */
  async #files(): Promise<Record<string, string>> {
    const out = this.#out;
    const files = new Map<string, string>();
    for (const path of below(out)) {
      const name = relative(out, path);
      // A run that was stopped saved more than others; all may be used.
      if (/\/checkpoints\/step-\d+(\/|$)/.test(name)) continue;
      files.set(name, await contentOf(path));
    }
    const elsewhere = this.scene.elsewhere?.() ?? {};
    const all = [...files, ...Object.entries(elsewhere)].sort();
    return Object.fromEntries(
      all.map(([name, content]) => [name, sha256(timeless(name, content))]),
    );
  }
}

const pause = (milliseconds: number) =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Files, links and empty folders; a folder may vanish meanwhile. */
function* below(folder: string): Generator<string> {
  const entries = existsSync(folder)
    ? readdirSync(folder, { withFileTypes: true })
    : [];
  if (entries.length === 0) yield folder;
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* below(path);
    else yield path;
  }
}

async function contentOf(path: string): Promise<string> {
  const { isDirectory } = await Deno.lstat(path);
  if (isDirectory) return "an empty folder";
  return new TextDecoder("latin1").decode(await Deno.readFile(path));
}

/** Leaves the clock out of a JSON file, or of each line of one. */
function timeless(name: string, content: string): string {
  const strip = (text: string) =>
    JSON.stringify(
      JSON.parse(
        text,
        (key, value) => VOLATILE.includes(key) ? undefined : value,
      ),
    );
  if (name.endsWith("metrics.jsonl")) {
    return content.trimEnd().split("\n").map(strip).join("\n");
  }
  return /\b(run|record)\.json$/.test(name) ? strip(content) : content;
}

if (import.meta.main) {
  const [rounds = "100", seed = "0", only = ""] = Deno.args;
  const counts = new Map<string, number>();
  const onSent = ({ scene, signal, after, took, code, told }: Sent) => {
    const [kind, times] = [`${scene}: ${code}`, `${after} ms: ${took} ms`];
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    say(`${kind} by ${signal} after ${times}; ${told}`);
  };
  await randomSignals(Number(rounds), { seed, only, onSent });
  table([...counts].sort().map(([kind, times]) => ({ kind, times })));
}
