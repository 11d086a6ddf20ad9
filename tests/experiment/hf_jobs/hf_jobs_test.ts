import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { experiment } from "lib/experiment/experiment.ts";
import { hfJobs } from "lib/experiment/hf_jobs/hf_jobs.ts";
import { runRemote } from "lib/experiment/hf_jobs/remote.ts";
import { readRuns } from "lib/experiment/records.ts";
import { differences } from "lib/record/differences.ts";
import { LoopbackHubCommits, TOKEN } from "../../hub/loopback_hub_commits.ts";
import { type AskedJob, LoopbackJobs } from "../../hub/loopback_jobs.ts";
import { temporaryFolder } from "../../temporary_folder.ts";
import * as failing from "../slurm/failing_jobs.ts";
import { TOY, TOY_SETTINGS } from "../toy_experiment.ts";

const watch = () => ({ update: () => {}, finish: () => {} });
const OPTIONS = {
  ...{ quick: false, draws: null, seeds: [1], workers: 1, watch },
  device: "cpu",
} as const;

const REPO = "me/grids";
const CODE = { commit: "c".repeat(40), archive: new Blob(["code"]) };

interface ToRun {
  readonly out?: string;
  readonly mayStart?: boolean;
  readonly toy?: typeof TOY;
  readonly flavor?: string;
  readonly losses?: readonly string[];
  readonly signal?: AbortSignal;
}

/** A Hub with jobs, which this process runs, and a folder for results. */
class Scene implements AsyncDisposable {
  readonly #folder = temporaryFolder();
  readonly #before = new Map<string, string | undefined>();
  readonly hub = new LoopbackHubCommits();
  readonly jobs = new LoopbackJobs(this.hub, (asked) => this.#work(asked));
  readonly notes: string[] = [];
  onNote: (text: string) => void = () => {};
  /** Jobs begin after it. */
  gate: Promise<void> = Promise.resolve();

  constructor() {
    const env = {
      HF_ENDPOINT: this.hub.endpoint,
      HF_TOKEN: TOKEN,
      HF_HUB_CACHE: this.path("cache"),
    };
    for (const [name, value] of Object.entries(env)) {
      this.#before.set(name, Deno.env.get(name));
      Deno.env.set(name, value);
    }
  }

  path(name: string): string {
    return join(this.#folder.path, name);
  }

  /** Runs a toy on the site. */
  async run(
    { out = "there", mayStart = true, toy = TOY, flavor = "h200", ...options }:
      ToRun = {},
  ): Promise<void> {
    const site = hfJobs({
      ...{ repo: REPO, flavor, hours: 2, mayStart },
      ...{ program: "job.ts", packCode: () => Promise.resolve(CODE) },
      onNote: (text) => {
        this.notes.push(text);
        this.onNote(text);
      },
    });
    await experiment(toy).run({
      ...{ ...OPTIONS, ...options, out: this.path(out), site },
    });
  }

  /** What the container does once it has unpacked the code. */
  async #work({ command }: AskedJob): Promise<string[]> {
    const [, path = ""] = command.at(-1)!.match(/\/prefgrad\/(\S+\.json)$/)!;
    await this.gate;
    const plan = this.path("plan.json");
    Deno.writeFileSync(plan, this.hub.files(REPO).get(path)!.bytes);
    await runRemote(plan, { watch, workers: 1, onNote: () => {} });
    return ["all done"];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const [name, value] of this.#before) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
    await this.hub[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }
}

Deno.test("a job on the Hub's machines makes the records, once it may be paid", async () => {
  await using scene = new Scene();
  await rejects(scene.run({ mayStart: false }), /No job was started: --yes/);
  deepEqual(scene.notes, [
    "h200 (1 × H200 with 141 GB, 23 vCPU, 256 GB) costs $5.00 an hour: at most $10.00 in 2 h, after which the job ends; me pays",
  ]);
  equal(scene.hub.repos.size + scene.jobs.jobs.length, 0);
  await scene.run();
  deepEqual(scene.notes.slice(2), [
    `Started job 0: ${scene.hub.endpoint}/jobs/me/0`,
    "all done",
  ]);
  const { asked } = scene.jobs.jobs[0]!;
  equal(asked.flavor, "h200");
  equal(asked.timeoutSeconds, 7200);
  equal(asked.dockerImage, `denoland/deno:${Deno.version.deno}`);
  deepEqual(asked.secrets, { HF_TOKEN: TOKEN });
  match(
    asked.command.join(" "),
    /^bash -c .*tar -xzf \/prefgrad\/code\/c{40}\.tar\.gz && deno install .* && exec deno run -A job\.ts \/prefgrad\//,
  );
  const [{ revision, ...mount }] = asked.volumes as [Record<string, string>];
  deepEqual(mount, {
    ...{ type: "dataset", source: REPO, mountPath: "/prefgrad" },
    readOnly: true,
  });
  ok(scene.hub.repos.get(REPO)!.commits.has(revision!));
  equal(scene.hub.repos.get(REPO)!.visibility, "private");
  const here = scene.path("here");
  await experiment(TOY).run({ ...OPTIONS, out: here });
  const [expected, found] = await Promise.all(
    [here, scene.path("there")].map(readRuns),
  );
  deepEqual(differences(expected, found), []);
  // Another machine pulls them, and pays nothing.
  await scene.run({ out: "elsewhere", mayStart: false });
  equal(scene.jobs.jobs.length, 1);
});

Deno.test("a job that fails leaves its records, and the next one makes the others", async () => {
  await using scene = new Scene();
  const toy = { ...TOY, jobs: failing };
  await rejects(
    scene.run({ toy }),
    /Cannot finish sft-draw1-seed1: job 0 ended as ERROR without 3 records; the others are kept/,
  );
  match(scene.notes.at(-1)!, /^Cannot finish sft-draw0-seed1: no luck/);
  const kept = () =>
    [...Deno.readDirSync(scene.path(".there.part"))]
      .filter(({ name }) => name.includes("seed")).length;
  equal(kept(), 4);
  await rejects(scene.run({ toy }), /job 1 ended as ERROR/);
  const plans = [...scene.hub.files(REPO)]
    .filter(([path]) => path.includes("/plans/"))
    .map(([, { bytes }]) => JSON.parse(new TextDecoder().decode(bytes)).names);
  deepEqual(plans.map(({ length }) => length).sort(), [3, 9]);
});

Deno.test("the last upload of a job is tried again", async () => {
  await using scene = new Scene();
  const { hub, jobs: { jobs } } = scene;
  const tamper = hub.tamper;
  let broken = 0;
  hub.tamper = (request) => {
    const isRecords = jobs.length > 0 && /\/commit\/main$/.test(request.url);
    if (!isRecords || broken++ > 0) return tamper(request);
    return new Response("broken", { status: 500 });
  };
  await scene.run();
  deepEqual([broken, jobs.length], [2, 1]);
});

Deno.test("a record that the experiment does not have is not asked for again", async () => {
  await using scene = new Scene();
  const options = { toy: { ...TOY, jobs: failing }, losses: ["dpo"] };
  await scene.run(options);
  await scene.run({ ...options, out: "elsewhere", mayStart: false });
  equal(scene.jobs.jobs.length, 1);
});

Deno.test("a job goes on without its follower, and is followed again", async () => {
  await using scene = new Scene();
  const gate = Promise.withResolvers<void>();
  scene.gate = gate.promise;
  const stop = new AbortController();
  scene.onNote = (text) => text.startsWith("Started") && stop.abort();
  await rejects(scene.run({ signal: stop.signal }), { name: "AbortError" });
  match(scene.notes.at(-1)!, /^Job 0 goes on: the same command follows it/);
  scene.onNote = (text) => text.startsWith("Follows") && gate.resolve();
  await scene.run();
  equal(scene.notes.at(-1), "all done");
  equal(scene.jobs.jobs.length, 1);
});

Deno.test("a machine that is not there, and files of this one, are refused before anything is paid", async () => {
  await using scene = new Scene();
  await rejects(
    scene.run({ flavor: "h2000" }),
    /Cannot find the flavor "h2000": expected h200, cpu-basic/,
  );
  const [method] = TOY_SETTINGS.methods;
  const file = { path: scene.path("mine.ts"), code: [] };
  Deno.writeTextFileSync(file.path, "export const createJobs = null;");
  for (const path of [file.path, `deno run ${file.path}`]) {
    const mine = { ...method!, file: { ...file, path } };
    const full = { ...TOY_SETTINGS, methods: [mine] };
    const settings = { ...TOY.settings, full };
    await rejects(
      scene.run({ toy: { ...TOY, settings } }),
      /Cannot send \S*mine\.ts to another machine: expected models and data/,
    );
  }
  const { href: url } = pathToFileURL(file.path);
  await rejects(
    scene.run({ toy: { ...TOY, jobs: { ...TOY.jobs, url } } }),
    /Cannot send file:.*: expected an experiment of the repository/,
  );
  equal(scene.hub.repos.size + scene.jobs.jobs.length, 0);
});
