import { existsSync } from "node:fs";
import { relative } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import {
  findJob,
  type Flavor,
  flavorOf,
  hasEnded,
  type Job,
  jobLines,
  readJob,
  startJob,
} from "../../hub/jobs.ts";
import { planPush } from "../../hub/plan_push.ts";
import { push } from "../../hub/push.ts";
import { type Repo, repoFor } from "../../hub/repo.ts";
import { canonicalJson } from "../../record/canonical_json.ts";
import { CHECKOUT } from "../../record/environment.ts";
import { sha256 } from "../../record/sha256.ts";
import { type Recorded, recordName } from "../records.ts";
import type { Following, Order, Site } from "../site.ts";
import type { Code } from "../../record/packed_code.ts";
import { pullRecords } from "./pulled.ts";
import type { JobPlan } from "./remote.ts";

/** How jobs are started. */
export interface HfJobsOptions {
  /** The data set repository for code and records, whose owner pays. */
  readonly repo: string;
  /** The machine, such as `h200`. */
  readonly flavor: string;
  /** The time limit. */
  readonly hours: number;
  /** Whether a job may be started and paid. */
  readonly mayStart: boolean;
  /** The program of a job, from the folder of the code. */
  readonly program: string;
  /** Packs the code that the job runs. */
  readonly packCode: () => Promise<Code>;
  /** Told of prices, jobs, and what these print. */
  readonly onNote: (text: string) => void;
}

/** The image, with the Deno of this process. */
const IMAGE = `denoland/deno:${Deno.version.deno}`;
/** Where the repository is mounted. */
const MOUNT = "/prefgrad";
/**
 * Milliseconds between two looks at a job: once it prints no more, at most, and
 * for the last lines of one that has ended.
 */
const PAUSE = { least: 1_000, most: 10_000, lastLines: 5_000 };

/**
 * Hugging Face Jobs: one job on a machine of the Hub makes all missing records
 * with as many processes as it has use for, and uploads them to a private data
 * set repository, from which they are pulled. It goes on without this process;
 * the same order follows it, and pulls what earlier jobs have made.
 */
export function hfJobs(options: HfJobsOptions): Site {
  return {
    describe: async (order) => {
      const repo = await repoOf(options);
      const price = priceText(await flavorOf(repo, options.flavor), options);
      return `${price}\n${commandFor(order, "CODE", "PLAN").at(-1)}`;
    },
    fill: async (order, following) => {
      const repo = await repoOf(options);
      await new Filling(order, { ...options, ...following }, repo).run();
    },
  };
}

async function repoOf({ repo, onNote }: HfJobsOptions): Promise<Repo> {
  const id = { repo, revision: null, part: null };
  return await repoFor("dataset", id, { onWait: onNote });
}

class Filling {
  readonly #key: string;

  constructor(
    private readonly order: Order,
    private readonly options: HfJobsOptions & Following,
    private readonly repo: Repo,
  ) {
    this.#key = sha256(canonicalJson(order.identity)).slice(0, 16);
  }

  async run(): Promise<void> {
    const { order, options: { onNote }, repo } = this;
    const missing = await this.#pull(order.missing);
    if (missing.length === 0) return;
    const running = await findJob(repo, this.#key);
    if (running) onNote(`Follows job ${running.id}, started before`);
    const job = await this.#follow(running ?? await this.#start(missing));
    const left = await this.#pull(missing);
    if (left.length === 0) return;
    const { stage, message, id } = job;
    const number = left.length === 1 ? "a record" : `${left.length} records`;
    throw new Error(
      `Cannot finish ${
        recordName(left.at(-1)!)
      }: job ${id} ended as ${stage} without ${number}${
        message === null ? "" : ` (${message})`
      }; the others are kept, and the same command starts another job`,
    );
  }

  async #pull(wanted: readonly Recorded[]): Promise<Recorded[]> {
    const { repo, order: { folder } } = this;
    return await pullRecords(repo, this.#key, { wanted, folder });
  }

  /** Says what a job costs, and starts it if it may. */
  async #start(missing: readonly Recorded[]): Promise<Job> {
    const { order, options, repo } = this;
    const { module } = requirePortable(order);
    const flavor = await flavorOf(repo, options.flavor);
    options.onNote(priceText(flavor, options));
    if (!options.mayStart) {
      throw new Error("No job was started: --yes starts and pays it");
    }
    const { commit, archive } = await options.packCode();
    const { identity, context } = order;
    const plan: JobPlan = {
      ...{ module, identity, context, key: this.#key, repo: repo.name },
      names: missing.map(recordName),
    };
    const text = canonicalJson(plan);
    const files = {
      code: `code/${commit}.tar.gz`,
      plan: `${this.#key}/plans/${sha256(text).slice(0, 16)}.json`,
    };
    const pushed = await this.#upload(
      new Map([[files.code, archive], [files.plan, new Blob([text])]]),
    );
    const job = await startJob(repo, {
      ...{ flavor: flavor.name, image: IMAGE, label: this.#key },
      command: commandFor(order, files.code, files.plan, options.program),
      timeout: Math.round(3600 * options.hours),
      mount: { path: MOUNT, commit: pushed },
    });
    options.onNote(`Started job ${job.id}: ${this.#page(job)}`);
    return job;
  }

  /** Uploads files, and returns the commit that has them. */
  async #upload(files: ReadonlyMap<string, Blob>): Promise<string> {
    const { name } = this.repo;
    const plan = await planPush(name, files, { type: "dataset" });
    const pushed = await push(plan, { title: `Plan ${this.#key}` });
    return pushed?.commit ?? plan.parent!;
  }

  /** Shows what a job prints, until it ends. */
  async #follow(started: Job): Promise<Job> {
    const { repo, options: { signal: stop, onNote } } = this;
    const ended = new AbortController();
    const signal = AbortSignal.any([ended.signal, ...stop ? [stop] : []]);
    const pause = (milliseconds: number) =>
      setTimeout(milliseconds, null, { signal });
    const printed = this.#print(started, signal);
    try {
      for (let job = started;; job = await readJob(repo, started.id)) {
        if (hasEnded(job)) {
          await Promise.race([printed, pause(PAUSE.lastLines)]);
          return job;
        }
        const soon = printed.then(() => pause(PAUSE.least));
        await Promise.race([soon, pause(PAUSE.most)]);
      }
    } finally {
      ended.abort();
      if (stop?.aborted) {
        onNote(
          `Job ${started.id} goes on: the same command follows it, ${
            this.#page(started)
          } ends it`,
        );
      }
    }
  }

  /** Resolves when a job has printed all; never where its lines cannot be read. */
  async #print({ id }: Job, signal: AbortSignal): Promise<void> {
    try {
      for await (const line of jobLines(this.repo, id, signal)) {
        this.options.onNote(line);
      }
    } catch {
      // Its page has them, and its stage is asked for anyway.
      await new Promise(() => {});
    }
  }

  #page({ id }: Job): string {
    const { endpoint, name } = this.repo;
    return `${endpoint}/jobs/${name.split("/")[0]}/${id}`;
  }
}

function priceText(
  { name, description, dollarsAnHour }: Flavor,
  { hours, repo }: HfJobsOptions,
): string {
  const [hourly, most] = [dollarsAnHour, hours * dollarsAnHour]
    .map((dollars) => `$${dollars.toFixed(2)}`);
  return `${name} (${description}) costs ${hourly} an hour: at most ${most} in ${hours} h, after which the job ends; ${
    repo.split("/")[0]
  } pays`;
}

/** The command of a job: unpacks the code, gets its packages, runs it. */
function commandFor(
  { context: { device } }: Order,
  code: string,
  plan: string,
  program = "PROGRAM",
): string[] {
  const lines = [
    "mkdir /tmp/code && cd /tmp/code",
    `tar -xzf ${MOUNT}/${code}`,
    "deno install --quiet --frozen",
    ...device === "cuda"
      ? [
        "apt-get -qq update && apt-get -qq install --yes python3-pip >/dev/null",
        "deno task setup cuda",
      ]
      : [],
    `exec deno run -A ${program} ${MOUNT}/${plan}`,
  ];
  return ["bash", "-c", lines.join(" && ")];
}

/**
 * Refuses an order that another machine cannot carry out.
 *
 * @returns the module of jobs, from the folder of the code.
 */
function requirePortable({ url, context }: Order): { module: string } {
  const module = url.startsWith("file:") && CHECKOUT !== null
    ? relative(CHECKOUT, fileURLToPath(url))
    : "..";
  if (module.startsWith("..")) {
    throw new Error(
      `Cannot send ${url} to another machine: expected an experiment of the repository`,
    );
  }
  // A text may be a command, whose words name files.
  const local = textsIn(context.settings)
    .flatMap((text) => [text, ...text.split(/\s+/).filter(hasName)])
    .find((text) => /[./]/.test(text) && existsSync(text));
  if (local === undefined) return { module };
  throw new Error(
    `Cannot send ${local} to another machine: expected models and data by their names on the Hub`,
  );
}

/** Whether a word is more than a full stop or a stroke. */
const hasName = (word: string) => /\w/.test(word);

function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}
