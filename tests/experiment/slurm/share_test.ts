import { deepEqual, equal, rejects } from "node:assert/strict";
import { join } from "node:path";
import { experiment } from "lib/experiment/experiment.ts";
import { orderOf } from "lib/experiment/plan.ts";
import { readRuns, recordName } from "lib/experiment/records.ts";
import type { Order } from "lib/experiment/site.ts";
import { readEnded } from "lib/experiment/slurm/share.ts";
import { differences } from "lib/record/differences.ts";
import { temporaryFolder } from "../../temporary_folder.ts";
import { TOY } from "../toy_experiment.ts";
import * as failing from "./failing_jobs.ts";
import { runTask, siteHere, writePlan } from "./in_process.ts";

const watch = () => ({ update: () => {}, finish: () => {} });
const OPTIONS = {
  ...{ quick: false, draws: null, seeds: null, workers: 1, watch },
  device: "cpu",
} as const;

/** The order for a toy in a folder. */
async function orderIn(path: string, toy = TOY): Promise<Order> {
  const order = await orderOf(toy, { ...OPTIONS, out: join(path, "toy") });
  Deno.mkdirSync(order.folder);
  return order;
}

const endedIn = ({ folder }: Order) => join(folder, "slurm", "ended");

const namesIn = (path: string) =>
  [...Deno.readDirSync(path)].map(({ name }) => name).sort();

Deno.test("a site's records are those of this machine", async () => {
  using folder = temporaryFolder();
  const toy = experiment(TOY);
  const [here, there] = ["here", "there"].map((name) =>
    join(folder.path, name)
  );
  await toy.run({ ...OPTIONS, out: here! });
  const orders: Order[] = [];
  const site = siteHere(orders);
  const smaller = { ...OPTIONS, seeds: [1], out: there!, site };
  await toy.run(smaller);
  equal(await site.describe(await toy.order(smaller)), "0 records");
  // A larger grid orders the rest.
  const larger = { ...OPTIONS, out: there!, site, replace: true };
  equal(await site.describe(await toy.order(larger)), "6 records");
  await toy.run(larger);
  deepEqual(orders.map(({ missing }) => missing.length), [9, 6]);
  const [expected, found] = await Promise.all(
    [here!, there!].map((path) => readRuns(path)),
  );
  deepEqual(differences(expected, found), []);
  deepEqual(namesIn(there!), namesIn(here!));
});

Deno.test("a task that runs again makes only the records that it lacks", async () => {
  using folder = temporaryFolder();
  const order = await orderIn(folder.path);
  const path = writePlan(order);
  await runTask(path, true);
  deepEqual(namesIn(order.folder), ["slurm"]);
  await runTask(path);
  const inodes = () =>
    order.missing.map((each) => {
      const record = join(order.folder, recordName(each), "run.json");
      return Deno.statSync(record).ino;
    });
  const before = inodes();
  await runTask(path);
  deepEqual(inodes(), before);
});

Deno.test("a task tells why a job failed, and goes on with the others", async () => {
  using folder = temporaryFolder();
  const order = await orderIn(folder.path, { ...TOY, jobs: failing });
  await rejects(runTask(writePlan(order)), /no luck/);
  const told = await Promise.all(order.missing.map(async (recorded) => {
    const name = recordName(recorded);
    const { error } = (await readEnded(endedIn(order), name))!;
    return error === null ? [] : [[name, error]];
  }));
  deepEqual(
    told.flat(),
    ["draw0-seed1", "draw0-seed2", "draw1-seed1", "draw1-seed2"]
      .map((run) => [`sft-${run}`, "no luck"]),
  );
  const runs = namesIn(order.folder).filter((name) => name.includes("seed"));
  equal(runs.length, 12 - 4);
});

Deno.test("a task refuses code and settings other than those of its array", async () => {
  using folder = temporaryFolder();
  const order = await orderIn(folder.path);
  const identity = { ...order.identity, code: "before" };
  const path = writePlan({ ...order, identity });
  await rejects(runTask(path), /ordered, the code has changed/);
  deepEqual(namesIn(order.folder), ["slurm"]);
});

Deno.test("a task whose results are gone writes nothing", async () => {
  using folder = temporaryFolder();
  const path = writePlan(await orderIn(folder.path));
  Deno.removeSync(path);
  await rejects(runTask(path), /Cannot run jobs of .*plan\.json: it is gone/);
});
