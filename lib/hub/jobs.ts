/**
 * Jobs on the Hub's machines, through `@huggingface/hub`: a container with a
 * command, on hardware that is paid by the minute.
 *
 * https://huggingface.co/docs/hub/jobs
 */
import {
  getJob,
  listJobHardware,
  listJobs,
  runJob,
  type SpaceHardwareFlavor,
  streamJobLogs,
} from "@huggingface/hub";
import { send } from "./network.ts";
import { clientOptions } from "./push_request.ts";
import type { Repo } from "./repo.ts";
import { parseResponse } from "./request.ts";

/** A machine for jobs. */
export interface Flavor {
  readonly name: SpaceHardwareFlavor;
  /** Its processors and memory, in words. */
  readonly description: string;
  readonly dollarsAnHour: number;
}

/** A job to start. */
export interface JobRequest {
  readonly flavor: SpaceHardwareFlavor;
  readonly image: string;
  readonly command: readonly string[];
  /** Seconds after which it ends. */
  readonly timeout: number;
  /** Where the repository is mounted, to be read, and the commit. */
  readonly mount: { readonly path: string; readonly commit: string };
  /** A mark by which the job is found again. */
  readonly label: string;
}

/** A job that was started. */
export interface Job {
  readonly id: string;
  /** `SCHEDULING`, `RUNNING`, or an end such as `COMPLETED` or `ERROR`. */
  readonly stage: string;
  /** The Hub's words on an end. */
  readonly message: string | null;
}

/** Stages after which a job does nothing more. */
const ENDS = ["COMPLETED", "CANCELED", "ERROR", "DELETED"];

/** Whether a job has ended, well or not. */
export function hasEnded({ stage }: Job): boolean {
  return ENDS.includes(stage);
}

const LABEL = "prefgrad";

/**
 * The machine of a name, with its price.
 *
 * @throws Error that lists the machines where there is none of that name.
 */
export async function flavorOf(repo: Repo, name: string): Promise<Flavor> {
  const all = await asked(repo, listJobHardware(clientOptions(repo)));
  const found = all.find((flavor) => flavor.name === name);
  if (!found) {
    const names = all.map((flavor) => flavor.name).join(", ");
    throw new Error(`Cannot find the flavor "${name}": expected ${names}`);
  }
  const { cpu, ram, accelerator, unitCostUSD, unitLabel } = found;
  const gpu = accelerator &&
    `${accelerator.quantity} × ${accelerator.model} with ${accelerator.vram}`;
  return {
    name: found.name as SpaceHardwareFlavor,
    description: [gpu, cpu, ram].filter(Boolean).join(", "),
    dollarsAnHour: unitCostUSD * timesAnHour(unitLabel),
  };
}

/** Units of a price in an hour. */
function timesAnHour(unit: string): number {
  const times = { second: 3600, minute: 60, hour: 1 }[unit];
  if (times !== undefined) return times;
  throw new Error(`Cannot read prices for each ${unit}: expected minutes`);
}

/** Starts a job in the namespace of the repository, which pays. */
export async function startJob(
  repo: Repo,
  { flavor, image, command, timeout, mount, label }: JobRequest,
): Promise<Job> {
  const started = runJob({
    ...jobsOf(repo),
    flavor,
    dockerImage: image,
    command: [...command],
    timeoutSeconds: timeout,
    environment: { HF_ENDPOINT: repo.endpoint },
    // It writes records there.
    secrets: { HF_TOKEN: repo.token ?? "" },
    labels: { [LABEL]: label },
    volumes: [{
      source: { type: repo.type, name: repo.name },
      mountPath: mount.path,
      revision: mount.commit,
      readOnly: true,
    }],
  });
  return jobFrom(await asked(repo, started));
}

/** The job with a label that has not ended; `null` where there is none. */
export async function findJob(repo: Repo, label: string): Promise<Job | null> {
  const all = await asked(repo, listJobs(jobsOf(repo)));
  return all.filter(({ labels }) => labels?.[LABEL] === label)
    .map(jobFrom).find((job) => !hasEnded(job)) ?? null;
}

export async function readJob(repo: Repo, id: string): Promise<Job> {
  const found = getJob({ ...jobsOf(repo), jobId: id });
  return jobFrom(await asked(repo, found));
}

/** The lines that a job prints, from its first one on, until it ends. */
export async function* jobLines(
  repo: Repo,
  id: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  const lines = streamJobLogs({
    ...jobsOf(repo),
    jobId: id,
    fetch: (input, init) =>
      send(repo, new Request(input, { ...init, ...signal && { signal } })),
  });
  for await (const { message } of lines) yield message.trimEnd();
}

function jobsOf(repo: Repo) {
  const [namespace = ""] = repo.name.split("/");
  return {
    ...clientOptions(repo),
    namespace,
    accessToken: "hf_", // required, but send() sets the true one
  };
}

function jobFrom(
  { id, status: { stage, message = null } }: {
    id: string;
    status: { stage: string; message?: string | null };
  },
): Job {
  return { id, stage, message };
}

async function asked<T>(repo: Repo, answer: Promise<T>): Promise<T> {
  return await parseResponse(repo, answer, { failure: "Cannot use jobs" });
}
