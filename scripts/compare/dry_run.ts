import { type Estimate, estimate } from "experiments/comparison/estimate.ts";
import type { ComparisonSettings } from "experiments/comparison/settings.ts";
import { note, say, table } from "lib/cli/terminal.ts";
import { counted, nameOf } from "lib/experiment/figure_parts.ts";
import type { Device } from "lib/onnx/providers.ts";
import { gigabytes, machineMemory, requireMemory } from "lib/run/memory.ts";

/** A comparison that is planned. */
export interface DryRun {
  readonly settings: ComparisonSettings;
  /** The comparison that chooses rates before; `null` for none. */
  readonly trials: ComparisonSettings | null;
  readonly device: Device;
  /** Processes that share the runs. */
  readonly jobs: number;
}

/**
 * Prints the runs of a comparison, their steps, and an estimate of the memory
 * and the time that they take. Nothing is written.
 *
 * @throws Error where the processes need more memory than there is.
 */
export async function dryRun(planned: DryRun): Promise<void> {
  const { settings, trials, device, jobs } = planned;
  note("Measuring a few steps, held-out pairs and answers …");
  const found = await estimate(settings, { device, trials });
  const rates = trials?.levels.map(({ lr }) => lr!);
  table(
    settings.methods.map((method, i) => ({
      method: nameOf(method),
      lr: (rates ?? [method.learningRate])
        .map((rate) => rate.toExponential()).join(" or "),
      steps: found.steps[i],
    })),
  );
  say(`\n${linesOf(planned, found).join("\n")}`);
  requireMemory(found.bytes, { jobs, settings: settings.train, what: "held" });
}

function linesOf(
  { settings, trials, jobs }: DryRun,
  { totalSteps, bytes, seconds, measured }: Estimate,
): string[] {
  const runs = gridSize(settings);
  const all = trials ? runs + gridSize(trials) : runs;
  const { threads } = settings.train;
  // More threads than cores make nothing faster.
  const atOnce = Math.max(
    1,
    Math.min(jobs, navigator.hardwareConcurrency / threads, all),
  );
  return [
    `${counted(all, "run")}${
      trials ? `, ${gridSize(trials)} of them trials of rates` : ""
    }; ${totalSteps} steps in all`,
    `memory: ${gigabytes(bytes)} a process${
      jobs > 1 ? `, ${gigabytes(jobs * bytes)} for ${jobs}` : ""
    }, of ${gigabytes(machineMemory())}`,
    `time: about ${roughly(seconds / atOnce)}, an estimate from 3 steps of ${
      nameOf(measured.method)
    } (${
      measured.seconds.toPrecision(2)
    } s each), 8 held-out pairs and 2 answers${
      settings.evaluation.judge ? "; the judge comes on top" : ""
    }`,
  ];
}

function gridSize({ methods, levels, seeds }: ComparisonSettings): number {
  return methods.length * levels.length * seeds.length;
}

/** A time in two digits of a fitting unit. */
function roughly(seconds: number): string {
  const [unit, size] = seconds < 100
    ? ["s", 1]
    : seconds < 6000
    ? ["minutes", 60]
    : ["hours", 3600];
  return `${Number((seconds / size).toPrecision(2))} ${unit}`;
}
