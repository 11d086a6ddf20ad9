import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { temporaryFolder } from "../../files/temporary.ts";
import { reasonOf } from "../../files/values.ts";
import { planPush } from "../../hub/plan_push.ts";
import { push } from "../../hub/push.ts";
import type { PushContent } from "../../hub/tree.ts";
import { CHECKOUT } from "../../record/environment.ts";
import { orderedJobs } from "../ordered_jobs.ts";
import { recordName, recordRun, recordsOf, writeRun } from "../records.ts";
import { runJobs } from "../run_jobs.ts";
import type { Following, Order } from "../site.ts";
import { FILES, NONE } from "./pulled.ts";

/** The work of a job, as the file that it reads has it. */
export interface JobPlan extends Pick<Order, "identity" | "context"> {
  /** The module of jobs, from the folder of the code. */
  readonly module: string;
  /** Names of the records to make. */
  readonly names: readonly string[];
  /** The data set repository for the records. */
  readonly repo: string;
  /** Their folder there. */
  readonly key: string;
}

/** How a job runs. */
export interface RemoteOptions extends Following {
  /** Processes that share the work. */
  readonly workers: number;
  readonly onNote: (text: string) => void;
}

/** Milliseconds between uploads of records. */
const PUSH_AFTER = 5 * 60_000;
/** Milliseconds before the last upload is tried again: the first time, and after all. */
const AGAIN = { first: 1_000, most: 64_000 };

/**
 * Makes the records of a plan on this machine, and uploads them: every few
 * minutes, so that a time limit loses no more, and at the end.
 *
 * @param path the file of the plan.
 * @throws Error where records are missing at the end.
 */
export async function runRemote(
  path: string,
  { onNote, ...following }: RemoteOptions,
): Promise<void> {
  const plan: JobPlan = JSON.parse(await Deno.readTextFile(path));
  const { names, context } = plan;
  const { settings, device } = context;
  const url = pathToFileURL(join(CHECKOUT ?? "", plan.module)).href;
  const others = recordsOf(settings).map(recordName)
    .filter((name) => !names.includes(name));
  using folder = await temporaryFolder();
  const outbox = new Outbox(plan, onNote);
  const none = new Set(names);
  try {
    await runJobs(await orderedJobs({ url, ...plan }), {
      ...{ settings, device, ...following, finished: new Set(others) },
      onOutcome: async (recorded, outcome) => {
        await writeRun(folder.path, recordRun(recorded, outcome, context));
        const name = recordName(recorded);
        none.delete(name);
        await outbox.add(name, await filesIn(join(folder.path, name)));
      },
    });
    for (const name of none) await outbox.add(name, { [NONE]: TOLD_NONE });
  } finally {
    await outbox.sendLast();
  }
}

const TOLD_NONE = new Blob(["The experiment has no such record.\n"]);

/** The files of a record, read: its folder goes with the process. */
async function filesIn(folder: string): Promise<Record<string, PushContent>> {
  const contents = FILES.map(async (name) =>
    [name, new Blob([await Deno.readFile(join(folder, name))])] as const
  );
  return Object.fromEntries(await Promise.all(contents));
}

/** Files that wait to be uploaded. */
class Outbox {
  #waiting = new Map<string, PushContent>();
  #sent = performance.now();

  constructor(
    private readonly plan: JobPlan,
    private readonly onNote: (text: string) => void,
  ) {}

  async add(
    name: string,
    files: Readonly<Record<string, PushContent>>,
  ): Promise<void> {
    for (const [file, content] of Object.entries(files)) {
      this.#waiting.set(`${this.plan.key}/${name}/${file}`, content);
    }
    if (performance.now() - this.#sent < PUSH_AFTER) return;
    // The next upload has them, too.
    await this.send().catch((error) => this.onNote(reasonOf(error)));
  }

  /** Sends what waits when no later upload would, even where one fails. */
  async sendLast(): Promise<void> {
    for (let pause = AGAIN.first;; pause *= 2) {
      try {
        return await this.send();
      } catch (error) {
        if (pause > AGAIN.most) throw error;
        this.onNote(`${reasonOf(error)}; tries again`);
        await setTimeout(pause);
      }
    }
  }

  async send(): Promise<void> {
    this.#sent = performance.now();
    const sending = this.#waiting;
    if (sending.size === 0) return;
    this.#waiting = new Map();
    const { repo, key } = this.plan;
    try {
      const plan = await planPush(repo, sending, { type: "dataset" });
      await push(plan, { title: `Add records of ${key}` });
    } catch (error) {
      this.#waiting = new Map([...sending, ...this.#waiting]);
      throw error;
    }
  }
}
