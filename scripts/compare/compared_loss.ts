import type { Method } from "lib/experiment/grid.ts";
import { fromHere } from "lib/files/from_here.ts";
import { chooseLoss } from "lib/loss_tools/choose.ts";
import type { Loss } from "lib/losses/loss.ts";

/** A loss to compare, and its file where it is one's own. */
export interface ComparedLoss extends Pick<Method, "file"> {
  readonly loss: Loss;
}

/**
 * The loss that a part of `--loss` names.
 *
 * @throws RangeError for a sum of losses; Error as `chooseLoss`.
 */
export async function comparedLoss(name: string): Promise<ComparedLoss> {
  if (/[+*]/.test(name)) {
    throw new RangeError(
      `Cannot compare "${name}": expected names that deno task losses lists, or files; deno task train takes sums`,
    );
  }
  const { loss, code } = await chooseLoss(name);
  if (code.length === 0) return { loss };
  return { loss, file: { path: fromHere(name), code: [...code] } };
}
