import type { LossCase } from "./case_file.ts";
import type { Loss } from "../losses/loss.ts";
import {
  type LossOption,
  type LossOptionValues,
  resolveOptions,
} from "../losses/options.ts";
import { LOSSES } from "../losses/registry.ts";
import { reasonOf } from "../files/values.ts";

/** A loss with a value for each of its options. */
export interface SetLoss {
  readonly loss: Loss;
  readonly options: LossOptionValues;
}

/**
 * The loss that a case means: of those to which TRL's type fits and that have
 * all its options, the one whose name stands first in the case's name, and of
 * those that begin alike the longest.
 *
 * @throws Error that names the case, where there is none, or its options are
 * out of bounds.
 */
export function caseLoss(wanted: LossCase, beta: number): SetLoss {
  const loss = findMeant(wanted);
  const { averaged, trlLossType, location } = wanted;
  const given = Object.entries(wanted.options).map(([key, value]) => {
    const name = optionName(loss, key)!;
    return [name, setting(loss.options[name]!, value)] as const;
  });
  const betaName = optionName(loss, "beta");
  const chosen = {
    ...betaName !== undefined && { [betaName]: beta },
    // Cases are the preference term alone.
    ..."nllWeight" in loss.options && { nllWeight: 0 },
    ..."reduction" in loss.options && averaged !== null && {
      reduction: averaged ? "mean" : "sum",
    },
    ...formOf(loss, trlLossType ?? wanted.name.replace(`${loss.id}-`, "")),
    ...Object.fromEntries(given),
  };
  try {
    return { loss, options: resolveOptions(loss, chosen) };
  } catch (cause) {
    throw new RangeError(`Cannot evaluate ${location}: ${reasonOf(cause)}`, {
      cause,
    });
  }
}

function findMeant({ name, location, trlLossType, options }: LossCase): Loss {
  const ofType = LOSSES.filter(({ presets }) =>
    presets?.trl?.names.some((known) => known === trlLossType)
  );
  const typed = ofType.length > 0 ? ofType : LOSSES;
  const keys = Object.keys(options);
  const able = typed.filter((loss) =>
    keys.every((key) => optionName(loss, key) !== undefined)
  );
  const [only, ...others] = able;
  if (only && others.length === 0) return only;
  const [first] = able.filter(({ id }) => name.includes(id))
    .sort((a, b) =>
      name.indexOf(a.id) - name.indexOf(b.id) || b.id.length - a.id.length
    );
  if (first) return first;
  throw new RangeError(
    `Cannot evaluate ${location}: ` +
      (able.length === 0
        ? `no loss has the options ${
          keys.join(", ")
        }, expected those of one of ${idsOf(typed)}`
        : `expected its name to hold one of ${idsOf(able)}`),
  );
}

function idsOf(losses: readonly Loss[]): string {
  return losses.map(({ id }) => id).join(", ");
}

/** Our name for an option that any trainer calls so; `undefined` without. */
function optionName({ options }: Loss, key: string): string | undefined {
  const name = key.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
  return Object.hasOwn(options, name)
    ? name
    : Object.keys(options).find((ours) => options[ours]!.aka?.includes(key));
}

/** The variant that TRL's type, or the rest of a name, selects, if it is one. */
function formOf({ options }: Loss, type: string): Record<string, string> {
  const choices = Object.entries(options).flatMap(([name, option]) =>
    option.kind === "choice" && option.choices.includes(word(type))
      ? [[name, word(type)]]
      : []
  );
  return Object.fromEntries(choices);
}

function setting(
  { kind }: LossOption,
  value: number | string | boolean,
): number | string | boolean {
  return kind === "choice" && typeof value === "string" ? word(value) : value;
}

/** A variant as we write it. */
function word(text: string): string {
  return text.replaceAll("_", "-").replace(/-divergence$/, "");
}
