import { nearest } from "../cli/nearest.ts";
import { alphaDpo } from "./alpha_dpo.ts";
import { alphapo } from "./alphapo.ts";
import { aot } from "./aot.ts";
import { aotUnpaired } from "./aot_unpaired.ts";
import { apoDown } from "./apo_down.ts";
import { apoZero } from "./apo_zero.ts";
import { apoZeroUnpaired } from "./apo_zero_unpaired.ts";
import { bco } from "./bco.ts";
import { bcoUnpaired } from "./bco_unpaired.ts";
import { bpo } from "./bpo.ts";
import { betaDpo } from "./beta_dpo.ts";
import { calDpo } from "./cal_dpo.ts";
import { chiPo } from "./chi_po.ts";
import { cpo } from "./cpo.ts";
import { discopop } from "./discopop.ts";
import { dpo } from "./dpo.ts";
import { dpoShift } from "./dpo_shift.ts";
import { dpop } from "./dpop.ts";
import { drDpo } from "./dr_dpo.ts";
import { exo } from "./exo.ts";
import { fDpo } from "./f_dpo.ts";
import { gateCalDpo } from "./gate_cal_dpo.ts";
import { gateDpo } from "./gate_dpo.ts";
import { gateIpo } from "./gate_ipo.ts";
import { hinge } from "./hinge.ts";
import { ipo } from "./ipo.ts";
import { kto } from "./kto.ts";
import { ktoPairwise } from "./kto_pairwise.ts";
import { ldDpo } from "./ld_dpo.ts";
import { listwiseDpo } from "./listwise_dpo.ts";
import { lnDpo } from "./ln_dpo.ts";
import { KNOWN_NAMES } from "./known_names.ts";
import type { PlainLoss } from "./loss.ts";
import { minorDpo } from "./minor_dpo.ts";
import { nca } from "./nca.ts";
import { odpo } from "./odpo.ts";
import { orpo } from "./orpo.ts";
import { orpoProbabilityRatio } from "./orpo_probability_ratio.ts";
import { orpoRatio } from "./orpo_ratio.ts";
import { rDpo } from "./r_dpo.ts";
import { robust } from "./robust.ts";
import { sampo } from "./sampo.ts";
import { sft } from "./sft.ts";
import { simper } from "./simper.ts";
import { simpo } from "./simpo.ts";
import { slic } from "./slic.ts";
import { sppo } from "./sppo.ts";
import { tpo } from "./tpo.ts";
import { unlikelihood } from "./unlikelihood.ts";
import { wpo } from "./wpo.ts";

/** Every loss that a file of this folder exports, by name. */
export const LOSSES: readonly PlainLoss[] = [
  alphaDpo,
  alphapo,
  aot,
  aotUnpaired,
  apoDown,
  apoZero,
  apoZeroUnpaired,
  bco,
  bcoUnpaired,
  betaDpo,
  bpo,
  calDpo,
  chiPo,
  cpo,
  discopop,
  dpo,
  dpoShift,
  dpop,
  drDpo,
  exo,
  fDpo,
  gateCalDpo,
  gateDpo,
  gateIpo,
  hinge,
  ipo,
  kto,
  ktoPairwise,
  ldDpo,
  listwiseDpo,
  lnDpo,
  minorDpo,
  nca,
  odpo,
  orpo,
  orpoProbabilityRatio,
  orpoRatio,
  rDpo,
  robust,
  sampo,
  sft,
  simper,
  simpo,
  slic,
  sppo,
  tpo,
  unlikelihood,
  wpo,
];

/**
 * The loss of a name.
 *
 * @example
 * ```ts
 * import { findLoss, resolveOptions } from "@prefgrad/prefgrad/losses";
 * import { strictEqual } from "node:assert/strict";
 *
 * const dpo = findLoss("dpo");
 * strictEqual(dpo.title, "Direct Preference Optimization");
 * strictEqual(resolveOptions(dpo)["beta"], 0.1);
 * ```
 *
 * @throws RangeError for an unknown name; the message lists the known ones, and
 * says which of them was most likely meant.
 */
export function findLoss(id: string): PlainLoss {
  const loss = LOSSES.find((loss) => loss.id === id);
  if (loss) return loss;
  const ids = LOSSES.map(({ id }) => id);
  const meant = knownAs(id) ?? (calledElsewhere(id) || nearest(id, ids));
  throw new RangeError(
    `Unknown loss "${id}"${
      meant ? `: did you mean ${meant}?` : ";"
    } expected one of ${ids.join(", ")}`,
  );
}

/** The sum, or the loss with flags, that a method of this name is. */
function knownAs(name: string): string | undefined {
  return KNOWN_NAMES.find((known) => known.name === name)?.means;
}

/** The losses that another trainer calls so: TRL's `exo_pair` is `exo`. */
function calledElsewhere(name: string): string {
  const losses = LOSSES.filter(({ presets = {} }) =>
    Object.values(presets).some(({ names }) => names.includes(name))
  );
  return losses.map(({ id }) => id).join(" or ");
}

/** Whether something that a module exports is a loss. */
export function isLoss(value: unknown): value is PlainLoss {
  return typeof value === "object" && value !== null && "terms" in value &&
    "options" in value;
}
