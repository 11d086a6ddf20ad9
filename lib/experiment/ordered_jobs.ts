import { resolveDevice } from "../onnx/devices.ts";
import type { ExperimentJobs, JobSetup } from "./definition.ts";
import type { GridSettings } from "./grid.ts";
import { differenceOf, identityOf } from "./identity.ts";
import type { JobsModule } from "./jobs.ts";
import type { Order } from "./site.ts";

/** Jobs of an experiment that only its order names. */
export type OrderedJobs = JobsModule<
  JobSetup<GridSettings>,
  ExperimentJobs<unknown, unknown>
>;

/**
 * The jobs of an order, on the machine that runs them.
 *
 * @throws Error where the code or the packages are not those of the order, or
 * the machine lacks the device.
 */
export async function orderedJobs(
  { url, identity, context }: Pick<Order, "url" | "identity" | "context">,
): Promise<OrderedJobs> {
  const here = await identityOf({ ...context, url });
  const found = differenceOf(identity, here);
  if (found !== null) {
    throw new Error(
      `Cannot run jobs of ${context.experiment}: since they were ordered, ${found}`,
    );
  }
  await resolveDevice(context.device);
  return await import(url);
}
