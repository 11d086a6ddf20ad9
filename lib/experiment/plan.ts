import { join, resolve } from "node:path";
import { provenance } from "../record/environment.ts";
import type { ExperimentDefinition, ExperimentOptions } from "./definition.ts";
import { lossesOf } from "./figure_parts.ts";
import type { GridSettings, Method } from "./grid.ts";
import {
  differenceOf,
  type Identity,
  identityOf,
  readIdentity,
} from "./identity.ts";
import { recordName, recordsOf, type RunContext } from "./records.ts";
import { isSound, partOf } from "./results_folder.ts";
import type { Order } from "./site.ts";

/** The parts of an experiment that its runs follow from. */
type Planning<S extends GridSettings> =
  & Pick<ExperimentDefinition<S, never, never, never>, "name" | "settings">
  & { readonly jobs: { readonly url: string } };

type PlanOptions = Pick<
  ExperimentOptions,
  "device" | "quick" | "draws" | "seeds" | "losses"
>;

/** Everything that decides the runs, and that all their records have. */
export interface Plan<S> {
  readonly identity: Identity;
  readonly context: RunContext<S>;
}

/**
 * Plans the runs of an experiment.
 *
 * @throws RangeError for a loss that the settings lack.
 */
export async function planned<S extends GridSettings>(
  { name: experiment, settings: all, jobs: { url } }: Planning<S>,
  { device, quick, draws, seeds, losses }: PlanOptions,
): Promise<Plan<S>> {
  const chosen = all[quick ? "quick" : "full"];
  const settings = {
    ...chosen,
    draws: draws ?? chosen.draws,
    seeds: seeds ?? chosen.seeds,
    methods: losses ? methodsOf(chosen.methods, losses) : chosen.methods,
  };
  const context = { experiment, settings, device };
  const identity = await identityOf({ ...context, url });
  return { identity, context: { ...context, provenance: await provenance() } };
}

/** The methods of some losses, in their own order. */
function methodsOf(
  methods: readonly Method[],
  losses: readonly string[],
): Method[] {
  const known = lossesOf(methods);
  const other = losses.find((loss) => !known.includes(loss));
  if (other === undefined) {
    return methods.filter(({ loss }) => losses.includes(loss));
  }
  throw new RangeError(
    `Cannot run only ${
      losses.join(", ")
    }: "${other}" is not in the settings, ` +
      `expected some of ${known.join(", ")}`,
  );
}

/**
 * The order that a run with these options would give to its site. Nothing is
 * written.
 */
export async function orderOf<S extends GridSettings>(
  definition: Planning<S>,
  options: PlanOptions & Pick<ExperimentOptions, "out">,
): Promise<Order> {
  const plan = await planned(definition, options);
  return {
    ...{ folder: partOf(options.out), url: definition.jobs.url, ...plan },
    missing: await missingRecords(options.out, plan),
  };
}

/** The records that results at a path lack, finished or not. */
async function missingRecords(
  path: string,
  { identity, context: { settings } }: Plan<GridSettings>,
): Promise<Order["missing"]> {
  const missing = new Set(recordsOf(settings));
  for (const folder of [partOf(path), resolve(path)]) {
    const stored = await readIdentity(folder);
    if (differenceOf(stored?.identity, identity) !== null) continue;
    for (const each of missing) {
      const isThere = await isSound(join(folder, recordName(each)), each);
      if (isThere) missing.delete(each);
    }
  }
  return [...missing];
}
