import { dirname, join } from "node:path";
import { recordName } from "lib/experiment/records.ts";
import type { Order, Site } from "lib/experiment/site.ts";
import { planOf } from "lib/experiment/slurm/array_plan.ts";
import { runShare } from "lib/experiment/slurm/share.ts";

const watch = () => ({ update: () => {}, finish: () => {} });

/** Writes the file of an array of one task. */
export function writePlan(order: Order): string {
  const all = order.missing.map(recordName);
  const plan = { ...planOf(order, all), shares: [all] };
  Deno.mkdirSync(plan.ended, { recursive: true });
  const path = join(dirname(plan.ended), "plan.json");
  Deno.writeTextFileSync(path, JSON.stringify(plan));
  return path;
}

/** Runs the one task of an array. */
export async function runTask(path: string, requested = false): Promise<void> {
  await runShare(path, 0, { watch, stop: { requested } });
}

/** A site whose only task is run by this process. */
export function siteHere(orders: Order[]): Site {
  return {
    describe: ({ missing }) => Promise.resolve(`${missing.length} records`),
    fill: async (order) => {
      orders.push(order);
      await runTask(writePlan(order));
    },
  };
}
