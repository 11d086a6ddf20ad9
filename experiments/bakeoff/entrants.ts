import { isAllowed } from "lib/cli/flag.ts";
import type { Method } from "lib/experiment/grid.ts";
import type { PlainLoss } from "lib/losses/loss.ts";
import { resolveOptions } from "lib/losses/options.ts";
import { LOSSES } from "lib/losses/registry.ts";
import { lossRequirements } from "lib/train/requirements.ts";
import { PRICE } from "../answers/criteria.ts";

/** Why a loss cannot take part; `null` where it can. */
export function obstacleTo(loss: PlainLoss): string | null {
  if (loss.data === "ranks") {
    return "it ranks lists, and of two answers it is another loss";
  }
  const needs = lossRequirements(loss, resolveOptions(loss));
  if (needs.tokenReference) {
    return "it reads single tokens of the reference, which only sums are kept of";
  }
  return needs.ratings
    ? "it reads ratings, which say more than the labels that the others have"
    : null;
}

/** The losses that are left out, and why. */
export function leftOut(): Record<string, string> {
  return Object.fromEntries(
    LOSSES.flatMap((loss) => {
      const obstacle = obstacleTo(loss);
      return obstacle === null ? [] : [[loss.id, obstacle] as const];
    }),
  );
}

/** All that tuning tries, apart from rates. */
export function entrants(): Omit<Method, "learningRate">[] {
  return LOSSES.filter((loss) => obstacleTo(loss) === null).flatMap((loss) =>
    optionsToTry(loss).map((options) => ({ loss: loss.id, options }))
  );
}

/**
 * Two values of the option that a loss leads with, β if it has one: its default
 * and the price. With β at the price DPO's own optimum is the best policy of all
 * by the criterion. A loss without numbers among its options has its rates
 * alone.
 */
export function optionsToTry({ options }: PlainLoss): Method["options"][] {
  const numbers = Object.keys(options).flatMap((name) => {
    const option = options[name]!;
    return option.kind === "number" ? [{ name, option }] : [];
  });
  const leading = numbers.find(({ name }) => name === "beta") ?? numbers[0];
  if (!leading) return [{}];
  const { name, option } = leading;
  return [...new Set([option.default, PRICE])]
    .filter((value) => isAllowed(option, value))
    .map((value) => ({ [name]: value }));
}
