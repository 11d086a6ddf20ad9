import type { LoopbackHubCommits } from "./loopback_hub_commits.ts";

/** A job as it was asked for. */
export interface AskedJob {
  readonly flavor: string;
  readonly dockerImage: string;
  readonly command: readonly string[];
  readonly timeoutSeconds: number;
  readonly secrets: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly volumes: readonly Readonly<Record<string, unknown>>[];
}

interface LoopbackJob {
  readonly asked: AskedJob;
  stage: string;
  lines: readonly string[];
  readonly ended: Promise<void>;
}

const HARDWARE = [{
  name: "h200",
  prettyName: "Nvidia H200",
  cpu: "23 vCPU",
  ram: "256 GB",
  accelerator: {
    ...{ type: "gpu", model: "H200", quantity: "1", vram: "141 GB" },
    manufacturer: "Nvidia",
  },
  ...{ unitCostMicroUSD: 83333, unitCostUSD: 0.083333, unitLabel: "minute" },
}, {
  ...{ name: "cpu-basic", prettyName: "CPU", cpu: "2 vCPU", ram: "16 GB" },
  ...{ accelerator: null, unitLabel: "hour" },
  ...{ unitCostMicroUSD: 10000, unitCostUSD: 0.01 },
}];

/** Runs a job: returns the lines that it prints, or throws where it fails. */
export type Work = (asked: AskedJob) => Promise<readonly string[]>;

/** Gives a Hub on this machine jobs, as `@huggingface/hub` speaks of them. */
export class LoopbackJobs {
  readonly jobs: LoopbackJob[] = [];

  constructor(hub: LoopbackHubCommits, private readonly work: Work) {
    hub.tamper = async (request) => {
      const [, api, jobs, ...rest] = new URL(request.url).pathname.split("/");
      return api === "api" && jobs === "jobs"
        ? await this.#answer(request, rest)
        : null;
    };
  }

  start(asked: AskedJob): LoopbackJob {
    const done = Promise.withResolvers<void>();
    const job: LoopbackJob = {
      ...{ asked, stage: "RUNNING", lines: [], ended: done.promise },
    };
    this.jobs.push(job);
    this.work(asked).then((lines) => {
      job.lines = lines;
      job.stage = "COMPLETED";
    }, ({ message }) => {
      job.lines = [message];
      job.stage = "ERROR";
    }).finally(done.resolve);
    return job;
  }

  async #answer(
    request: Request,
    [namespace, id, what]: readonly string[],
  ): Promise<Response> {
    if (namespace === "hardware") return Response.json(HARDWARE);
    if (request.method === "POST") this.start(await request.json());
    if (id === undefined && request.method === "GET") {
      return Response.json(this.jobs.map((_, i) => this.#told(i)));
    }
    const i = id === undefined ? this.jobs.length - 1 : Number(id);
    if (what !== "logs") return Response.json(this.#told(i));
    const job = this.jobs[i]!;
    await job.ended;
    const events = job.lines.map((data) =>
      `data: ${JSON.stringify({ data, timestamp: "2026-01-01" })}\n\n`
    );
    return new Response(events.join(""));
  }

  #told(i: number) {
    const { asked, stage } = this.jobs[i]!;
    return { id: String(i), labels: asked.labels, status: { stage } };
  }
}
