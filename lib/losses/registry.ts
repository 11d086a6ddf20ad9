import { dpo } from "./dpo.ts";
import { kto } from "./kto.ts";
import { ktoPairwise } from "./kto_pairwise.ts";
import type { Loss } from "./loss.ts";
import { orpo } from "./orpo.ts";
import { orpoRatio } from "./orpo_ratio.ts";
import { sft } from "./sft.ts";

/** Every loss, in the order in which lists show them. */
export const LOSSES: readonly Loss[] = [
  sft,
  dpo,
  kto,
  orpo,
  ktoPairwise,
  orpoRatio,
];

/** @throws RangeError for an unknown name; the message lists the known ones. */
export function findLoss(id: string): Loss {
  const loss = LOSSES.find((loss) => loss.id === id);
  if (loss) return loss;
  throw new RangeError(
    `Unknown loss "${id}"; expected one of ${
      LOSSES.map(({ id }) => id).join(", ")
    }`,
  );
}
