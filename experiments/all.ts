import type { Experiment } from "lib/experiment/experiment.ts";
import { bakeoff } from "./bakeoff/experiment.ts";
import { frontier } from "./frontier/experiment.ts";
import { simplex } from "./simplex/experiment.ts";
import { squeeze } from "./squeeze/experiment.ts";
import { taught } from "./taught/experiment.ts";
import { comparison } from "./comparison/comparison.ts";
import { micro } from "./micro/experiment.ts";
import { odds } from "./odds/experiment.ts";
import { imbalance } from "./imbalance/experiment.ts";
import { noise } from "./noise/experiment.ts";
import { displacement } from "./displacement/experiment.ts";
import { gap } from "./gap/experiment.ts";
import { gate } from "./gate/experiment.ts";
import { overoptimisation } from "./overoptimisation/experiment.ts";
import { group } from "./group/experiment.ts";
import { repeat } from "./repeat/experiment.ts";
import { length } from "./length/experiment.ts";

/**
 * Every experiment, the main one first. A new experiment is a folder with its
 * definition, and an entry here; README.md says how to write one.
 */
export const EXPERIMENTS: readonly Experiment[] = [
  frontier,
  simplex,
  noise,
  taught,
  gap,
  bakeoff,
  micro,
  odds,
  displacement,
  gate,
  squeeze,
  overoptimisation,
  length,
  imbalance,
  group,
  repeat,
];

/**
 * The experiment that records name, which may be a comparison.
 *
 * @throws RangeError for an unknown name; the message lists the known ones.
 */
export function findExperiment(name: string): Experiment {
  const found = [...EXPERIMENTS, comparison(null)]
    .find((experiment) => experiment.name === name);
  if (found) return found;
  throw new RangeError(
    `Unknown experiment "${name}"; expected one of ${
      EXPERIMENTS.map(({ name }) => name).join(", ")
    }`,
  );
}
