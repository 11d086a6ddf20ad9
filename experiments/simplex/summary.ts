import { nameOf } from "lib/experiment/figure_parts.ts";
import type { Level } from "lib/experiment/grid.ts";
import type { ExperimentRuns } from "lib/experiment/summary.ts";
import type { SimplexSettings } from "./settings.ts";

/** Probabilities of the chosen answer, the rejected one and the third. */
export type Shares = readonly [number, number, number];

/**
 * The chosen and the rejected answer are unrelated and the third lies ahead,
 * or they are alike and it lies aside or ahead.
 */
export type Geometry = "unrelated" | "aside" | "ahead";

/** The way of a loss in one geometry. */
export interface Flow {
  readonly name: string;
  readonly loss: string;
  readonly geometry: Geometry;
  readonly path: readonly Shares[];
}

export interface Summary {
  readonly flows: readonly Flow[];
}

export function summarize(
  { bySetting }: ExperimentRuns<SimplexSettings>,
): Summary {
  return {
    flows: bySetting.map(({ method, level, runs }) => ({
      name: nameOf(method),
      loss: method.loss,
      geometry: geometryOf(level),
      path: runs[0]!.rows.map(({ chosen, rejected, third }): Shares => [
        chosen!,
        rejected!,
        third!,
      ]),
    })),
  };
}

function geometryOf({ alike, ahead }: Level): Geometry {
  if (alike === 0) return "unrelated";
  return ahead === 1 ? "ahead" : "aside";
}

/** The flow of a loss, if it was run. */
export function flowOf(
  { flows }: Summary,
  loss: string,
  geometry: Geometry,
): Flow | undefined {
  return flows.find((each) => each.loss === loss && each.geometry === geometry);
}

/** Change of the probability of the chosen answer. */
export function gain({ path }: Pick<Flow, "path">): number {
  return path.at(-1)![0] - path[0]![0];
}

/** Change of log π(chosen)/π(rejected), in nats. */
export function marginGain({ path }: Pick<Flow, "path">): number {
  const [start, end] = [path[0]!, path.at(-1)!]
    .map(([chosen, rejected]) => Math.log(chosen) - Math.log(rejected));
  return end! - start!;
}
