import { chooseLoss, type ChosenLoss } from "../loss_tools/choose.ts";
import { findLoss } from "../losses/registry.ts";
import type { Method } from "./grid.ts";

/** The losses of methods, by name. */
export type MethodLosses = ReadonlyMap<string, ChosenLoss>;

/** The loss of a method, and its file if it has one. */
export type NamedLoss = Pick<Method, "loss" | "file">;

/**
 * Reads the losses of methods: known ones, and those of files.
 *
 * @throws Error for two losses of one name, and for a file that is missing, has
 * another loss, or other contents than those that its method tells of.
 */
export async function methodLosses(
  methods: readonly NamedLoss[],
): Promise<MethodLosses> {
  const byName = Map.groupBy(methods, ({ loss }) => loss);
  const losses = new Map<string, ChosenLoss>();
  for (const [name, [first, ...others]] of byName) {
    const { file } = first!;
    const other = others.find((each) => each.file?.path !== file?.path);
    if (other) {
      throw new Error(
        `Cannot tell the loss "${name}" of ${placeOf(first!)} from that of ${
          placeOf(other)
        }: expected an "id" of its own in each file`,
      );
    }
    losses.set(name, await read(first!));
  }
  return losses;
}

function placeOf({ loss, file }: NamedLoss): string {
  return file?.path ?? loss;
}

async function read({ loss: name, file }: NamedLoss): Promise<ChosenLoss> {
  if (!file) return { loss: findLoss(name), name, code: [] };
  const chosen = await chooseLoss(file.path);
  if (chosen.loss.id !== name) {
    throw new Error(
      `Cannot use ${file.path} as the loss "${name}": its "id" is "${chosen.loss.id}"`,
    );
  }
  if (`${chosen.code}` === `${file.code}`) return chosen;
  throw new Error(
    `Cannot use ${file.path}: its contents are no longer those that the runs began with`,
  );
}

/** The loss of a method among those that were read. */
export function lossOf(losses: MethodLosses, { loss }: NamedLoss): ChosenLoss {
  const found = losses.get(loss);
  if (found) return found;
  throw new RangeError(
    `Cannot use the loss "${loss}": expected one of ${
      [...losses.keys()].join(", ")
    }`,
  );
}
