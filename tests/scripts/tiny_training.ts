import { join } from "node:path";
import type { NamedTensor } from "lib/models/weights/safetensors_header.ts";
import { type MetricsRow, readMetrics } from "lib/record/metrics.ts";
import { Rng } from "lib/rng.ts";
import { putTinyModel, TINY } from "../models/tiny_model.ts";
import { runInTurn } from "./run_in_turn.ts";
import { type Outcome, spawnScript } from "./run_script.ts";

/** A folder with all that a training run of a second needs, and no more. */
export interface TinyTraining extends AsyncDisposable {
  readonly path: string;
  /** A model folder with random weights, without tokenizer. */
  readonly model: string;
  /** Rows of token ids: pairs. */
  readonly pairs: string;
  /** Rows of token ids: completions with labels. */
  readonly labels: string;
  /** Rows of token ids: lists of three, ranked. */
  readonly ranks: string;
  /** Where its programs have their caches. */
  readonly env: Readonly<Record<string, string>>;
  /** Starts a script of the repository, the caches of which are here too. */
  spawn(script: string, args: readonly string[]): Deno.ChildProcess;
  /**
   * Runs one in the process of those before it, which has imported what they
   * have: a file of the user's own only once.
   */
  run(script: string, args: readonly string[]): Promise<Outcome>;
}

const ROWS = 12;

export async function tinyTraining(): Promise<TinyTraining> {
  const path = await Deno.makeTempDir();
  const place = (name: string) => join(path, name);
  const model = place("model");
  await Deno.mkdir(model);
  await putTinyModel(model, randomized);
  const pairs = place("pairs.jsonl");
  await putRows(pairs, (ids) => ({
    "prompt_ids": ids(),
    "chosen_ids": ids(),
    "rejected_ids": ids(),
  }));
  const labels = place("labels.jsonl");
  await putRows(labels, (ids, i) => ({
    "prompt_ids": ids(),
    "completion_ids": ids(),
    "label": i % 3 > 0,
  }));
  const ranks = place("ranks.jsonl");
  await putRows(ranks, (ids) => ({
    "prompt_ids": ids(),
    "completions_ids": [ids(), ids(), ids()],
  }));
  const env = {
    XDG_CACHE_HOME: place("cache"),
    DENO_DIR: await denoFolder(),
  };
  const alone = (args: readonly string[]) =>
    args.includes("--threads") ? args : ["--threads", "1", ...args];
  const spawn = (script: string, args: readonly string[]) =>
    spawnScript(script, alone(args), { env, cwd: path });
  return {
    path,
    model,
    pairs,
    labels,
    ranks,
    env,
    spawn,
    run: (script, args) => runInTurn(script, alone(args), { env, cwd: path }),
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

/** The metrics of a run, without what a clock says. */
export function metricsOf(folder: string): Omit<MetricsRow, "seconds">[] {
  const rows = readMetrics(join(folder, "metrics.jsonl"));
  return rows.map(({ seconds: _seconds, ...rest }) => rest);
}

/** Weights as a model might have them, of the same shapes. */
export function randomized(tensors: readonly NamedTensor[]): NamedTensor[] {
  const rng = new Rng("weights");
  return tensors.map(({ name, shape, data }) => ({
    name,
    shape,
    data: shape.length === 1
      ? data.map(() => 1)
      : data.map(() => 0.5 * rng.normal()),
  }));
}

/** Where Deno has its packages, which XDG_CACHE_HOME would move. */
export async function denoFolder(): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["info", "--json"],
  });
  const { stdout } = await command.output();
  return JSON.parse(new TextDecoder().decode(stdout)).denoDir;
}

async function putRows(
  path: string,
  row: (ids: () => number[], i: number) => object,
): Promise<void> {
  const rng = new Rng(path.split("/").at(-1)!);
  const ids = () =>
    Array.from(
      { length: 2 + rng.integer(4) },
      () => rng.integer(TINY["vocab_size"]),
    );
  const lines = Array.from(
    { length: ROWS },
    (_, i) => JSON.stringify(row(ids, i)) + "\n",
  );
  await Deno.writeTextFile(path, lines.join(""));
}
