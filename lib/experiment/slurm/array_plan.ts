import { basename, join } from "node:path";
import { canonicalJson } from "../../record/canonical_json.ts";
import { sha256 } from "../../record/sha256.ts";
import { configFlag } from "../config_flag.ts";
import { type Recorded, recordName } from "../records.ts";
import { SLURM } from "../results_folder.ts";
import type { Order } from "../site.ts";
import { type ArrayScript, arrayScript } from "./script.ts";

/** The work of an array, as the file that its tasks read has it. */
export interface ArrayPlan extends Omit<Order, "missing"> {
  /** Folder of what the tasks tell of their jobs. */
  readonly ended: string;
  /** Folder of the states of runs that were cut off. */
  readonly checkpoints: string;
  /** Names of the records that each task makes. */
  readonly shares: readonly (readonly string[])[];
}

/** Folders beside the files of arrays. */
export const [ENDED, CHECKPOINTS] = ["ended", "checkpoints"] as const;

/** Most tasks of an array: the `MaxArraySize` of Slurm is 1001. */
const MOST_TASKS = 1000;

type ScriptOptions = Pick<ArrayScript, "limit" | "options"> & {
  /** The program of a task, which takes the file of an array and a number. */
  readonly program: string;
};

/** The plan of an array for some of the records of an order. */
export function planOf(
  { missing: _, ...order }: Order,
  names: readonly string[],
): ArrayPlan {
  const tasks = Math.min(names.length, MOST_TASKS);
  const shares = Array.from(
    { length: tasks },
    (_, task) => names.filter((_, i) => i % tasks === task),
  );
  const beside = join(order.folder, SLURM);
  return {
    ...{ ...order, shares },
    ended: join(beside, ENDED),
    checkpoints: join(beside, CHECKPOINTS),
  };
}

/** The script of an array, and the file that its tasks read. */
export function scriptFor(
  order: Order,
  plan: ArrayPlan,
  { limit, options, program }: ScriptOptions,
): { path: string; script: string } {
  const hash = sha256(canonicalJson(plan)).slice(0, 16);
  const path = join(order.folder, SLURM, `${hash}.json`);
  const deno = [Deno.execPath(), "run", "-A", ...configFlag(order.url)];
  const script = arrayScript({
    ...{ name: nameOf(order), tasks: plan.shares.length, limit, options },
    ...{ cwd: Deno.cwd(), logs: join(order.folder, SLURM, "logs") },
    command: [...deno, program, path],
  });
  return { path, script };
}

/** Name of the arrays for a folder's results, by which they are found again. */
export function nameOf({ folder, identity }: Order): string {
  const hash = sha256(canonicalJson({ folder, identity })).slice(0, 12);
  const results = basename(folder).replace(/^\.|\.part$/g, "");
  return `prefgrad-${results.replaceAll(/[^\w-]/g, "_")}-${hash}`;
}

/** Names in turns of their draws: tasks that begin together make models of their own. */
export function inTurns(missing: readonly Recorded[]): string[] {
  const draws = [...Map.groupBy(missing, drawOf).values()];
  const longest = Math.max(0, ...draws.map(({ length }) => length));
  return Array.from({ length: longest }, (_, i) => draws.map((own) => own[i]))
    .flat().filter((recorded) => recorded !== undefined).map(recordName);
}

function drawOf(recorded: Recorded): number | null {
  if ("exact" in recorded) return null;
  return "point" in recorded ? recorded.point.draw : recorded.draw;
}
