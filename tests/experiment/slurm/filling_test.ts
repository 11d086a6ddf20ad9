import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { join } from "node:path";
import { orderOf } from "lib/experiment/plan.ts";
import type { Order } from "lib/experiment/site.ts";
import { slurm } from "lib/experiment/slurm/slurm.ts";
import { temporaryFolder } from "../../temporary_folder.ts";
import { TOY } from "../toy_experiment.ts";

const watch = () => ({ update: () => {}, finish: () => {} });
const OPTIONS = {
  ...{ quick: false, draws: [0], seeds: [1], workers: 1, watch },
  device: "cpu",
} as const;

const ORDER = await orderOf(TOY, { ...OPTIONS, out: "toy" });

/** Programs that act as Slurm's, in a folder that stands first in PATH. */
class Pretended implements Disposable {
  readonly #folder = temporaryFolder();
  readonly #path = Deno.env.get("PATH")!;
  readonly notes: string[] = [];

  /** @param programs what each does, in sh, in the folder. */
  constructor(programs: Record<string, string>) {
    for (const [name, text] of Object.entries(programs)) {
      const lines = ["#!/bin/sh", `cd "${this.#folder.path}"`, text];
      const path = join(this.#folder.path, name);
      Deno.writeTextFileSync(path, lines.join("\n"), { mode: 0o755 });
    }
    Deno.env.set("PATH", `${this.#folder.path}:${this.#path}`);
  }

  /** Has the records of the toy made. */
  async fill(
    { signal, toy = ORDER }: { signal?: AbortSignal; toy?: Order } = {},
  ): Promise<void> {
    const order = { ...toy, folder: this.path(".toy.part") };
    const site = slurm({
      ...{ options: "--time=1", limit: 2, program: "task.ts" },
      onNote: (text) => this.notes.push(text),
    });
    Deno.mkdirSync(order.folder, { recursive: true });
    await site.fill(order, { watch, ...signal && { signal } });
  }

  path(name: string): string {
    return join(this.#folder.path, name);
  }

  read(name: string): string {
    return Deno.readTextFileSync(this.path(name));
  }

  [Symbol.dispose](): void {
    Deno.env.set("PATH", this.#path);
    this.#folder[Symbol.dispose]();
  }
}

/** Takes a script, keeps it, and does something with the folder of its array. */
const sbatch = (done = "") =>
  `cat > script; cat script >> scripts; slurm=$(grep -o '/[^ ]*/slurm/' script | tail -1)
${done}
echo '17;cluster'`;

/** Lists no array, and tells how the tasks of one ended. */
const squeue = (ends: string) =>
  `case "$*" in *--states=all*) printf '${ends}';; esac`;

/** Tells of each job, by the name in the plan, that it ended. */
const allEnd = (error: string) =>
  `for name in exact reference-draw0 dpo-beta0.1-draw0-seed1 dpo-beta1-draw0-seed1 sft-draw0-seed1
do echo '${error}' > "$slurm/ended/$name"; done`;

const scripts = (pretended: Pretended) =>
  pretended.read("scripts").match(/^#SBATCH --array=.*$/gm);

Deno.test("an array whose jobs end without records is done", async () => {
  using pretended = new Pretended({
    sbatch: sbatch(allEnd('{"error":null}')),
    squeue: squeue(""),
  });
  await pretended.fill();
  deepEqual(scripts(pretended), ["#SBATCH --array=0-4%2"]);
  deepEqual(pretended.notes, ["Submitted array 17 of 5 tasks"]);
  match(pretended.read("script"), /^#SBATCH --time=1$/m);
});

Deno.test("jobs that tell an error are not tried again", async () => {
  using pretended = new Pretended({
    sbatch: sbatch(allEnd('{"error":"no luck"}')),
    squeue: squeue(""),
  });
  await rejects(
    pretended.fill(),
    /Cannot finish exact: no luck \(and 4 more that failed\); 5 of the jobs are missing/,
  );
  equal(scripts(pretended)?.length, 1);
});

Deno.test("jobs that tell nothing are tried three times, unless no time or memory would do", async () => {
  using pretended = new Pretended({
    sbatch: sbatch(),
    // Of the first array alone.
    squeue:
      `case "$*" in *--states=all*) [ -e told ] && exit; touch told; printf '${
        [
          ...["17_0|TIMEOUT", "17_1|OUT_OF_MEMORY"],
          ...["17_2|CANCELLED", "17_3|NODE_FAIL", ""],
        ].join("\\n")
      }';; esac`,
  });
  await rejects(
    pretended.fill(),
    /Cannot finish exact: its task reached the time limit before it kept any more: give --slurm a longer --time.*17_0\.log \(and 4 more that failed\)/,
  );
  deepEqual(
    scripts(pretended),
    [4, 2, 2].map((last) => `#SBATCH --array=0-${last}%2`),
  );
});

Deno.test("a run that keeps its state is submitted as long as it gets further", async () => {
  // Twice.
  const steps = `arrays=$(grep -c -- --array= scripts)
mkdir -p "$slurm/checkpoints/sft-draw0-seed1/checkpoints"
[ $arrays -lt 3 ] && touch "$slurm/checkpoints/sft-draw0-seed1/checkpoints/step-$arrays"`;
  using pretended = new Pretended({
    sbatch: sbatch(`${steps}
${allEnd('{"error":null}')}
rm "$slurm/ended/sft-draw0-seed1"`),
    squeue: squeue(
      [0, 1, 2, 3, 4].map((task) => `17_${task}|TIMEOUT\\n`).join(""),
    ),
  });
  await rejects(
    pretended.fill(),
    /Cannot finish sft-draw0-seed1: its task reached the time limit before/,
  );
  deepEqual(
    scripts(pretended),
    [4, 0, 0].map((last) => `#SBATCH --array=0-${last}%2`),
  );
  // The next command begins with what there is.
  await rejects(pretended.fill(), /reached the time limit/);
  const kept = pretended.path(
    ".toy.part/slurm/checkpoints/sft-draw0-seed1/checkpoints",
  );
  equal([...Deno.readDirSync(kept)].length, 2);
});

Deno.test("a task of several jobs that runs out of time may have others make the rest", async () => {
  // 1502 records: the first 502 of 1000 tasks have two each.
  const seeds = Array.from({ length: 500 }, (_, i) => i + 1);
  const toy = await orderOf(TOY, { ...OPTIONS, seeds, out: "toy" });
  const end = (names: string) =>
    `for name in ${names}; do echo '{"error":null}' > "$slurm/ended/$name"; done`;
  const runs = (method: string, first: number, last: number) =>
    `$(seq -f ${method}-draw0-seed%g ${first} ${last})`;
  using pretended = new Pretended({
    sbatch: sbatch(`${end("exact reference-draw0")}
${end(runs("dpo-beta0.1", 1, 500))}
${end(runs("dpo-beta1", 1, 498))}
[ $(grep -c -- --array= scripts) = 1 ] || {
${end(`${runs("dpo-beta1", 499, 500)} ${runs("sft", 1, 500)}`)}
}`),
    squeue: `case "$*" in *--states=all*) seq -f '17_%g|TIMEOUT' 0 999;; esac`,
  });
  await pretended.fill({ toy });
  deepEqual(
    scripts(pretended),
    [999, 501].map((last) => `#SBATCH --array=0-${last}%2`),
  );
});

Deno.test("accounting tells how tasks ended that the queue has forgotten", async () => {
  using pretended = new Pretended({
    sbatch: sbatch(),
    squeue:
      `case "$*" in *--states=all*) echo 'Invalid job id specified' >&2; exit 1;; esac`,
    sacct: `printf '17_0|OUT_OF_MEMORY\\n17_1|CANCELLED by 0\\n'`,
  });
  await rejects(
    pretended.fill(),
    /Cannot finish exact: its task ran out of memory: give --slurm a larger --mem/,
  );
});

Deno.test("a queue that does not answer for a while is asked again", async () => {
  using pretended = new Pretended({
    sbatch: sbatch(allEnd('{"error":null}')),
    squeue: `[ -e asked ] && exit 0; touch asked
echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1`,
  });
  await pretended.fill();
  match(pretended.notes[0]!, /^squeue failed: .*controller; asks again$/);
});

Deno.test("an array that is refused is an error with Slurm's reason", async () => {
  using pretended = new Pretended({
    sbatch:
      "echo 'sbatch: error: invalid partition specified: gpu' >&2; exit 1",
    squeue: squeue(""),
  });
  await rejects(
    pretended.fill(),
    /sbatch failed: sbatch: error: invalid partition specified: gpu/,
  );
});

Deno.test("an array goes on when its follower is asked to end", async () => {
  using pretended = new Pretended({ sbatch: sbatch(), squeue: "echo 17" });
  const signal = AbortSignal.timeout(1500);
  await rejects(pretended.fill({ signal }), { name: "AbortError" });
  deepEqual(pretended.notes, [
    "Follows array 17, submitted before",
    "Array 17 goes on: the same command follows it, scancel 17 ends it",
  ]);
});
