import { fileURLToPath } from "node:url";
import { choice, type FlagValues, grouped, parsed } from "lib/cli/flag.ts";
import { UsageError } from "lib/cli/flags.ts";
import { note } from "lib/cli/terminal.ts";
import type { Site } from "lib/experiment/site.ts";
import { leaveArray } from "lib/experiment/slurm/script.ts";
import { slurm } from "lib/experiment/slurm/slurm.ts";
import { type Device, DEVICES } from "lib/onnx/providers.ts";

/** The program of a task of an array. */
const PROGRAM = fileURLToPath(new URL("./slurm_task.ts", import.meta.url));

/** Flags of programs whose runs other machines can make. */
export const SITE_FLAGS = grouped("Other machines", {
  on: choice(["local", "slurm"], {
    help:
      "machines that make the runs: this one, or those of a Slurm cluster, as an array of jobs in a folder that they share",
    default: "local",
  }),
  slurm: parsed({
    help:
      "options of sbatch for each job of the array, such as --slurm='--partition=gpu --gres=gpu:1 --time=2:00:00'",
    placeholder: "OPTIONS",
    expected:
      "options of sbatch without --array, --job-name and --chdir, which the array has of its own",
    parse: (text: string) => isOptions(text) ? text : undefined,
    is: isOptions,
  }),
});

function isOptions(value: unknown): value is string {
  return typeof value === "string" && leaveArray(value);
}

/** The site that flags name; `null` for this machine. */
export function siteOf(
  { on, slurm: options, jobs }:
    & FlagValues<typeof SITE_FLAGS>
    & { readonly jobs?: number },
): Site | null {
  if (on === "slurm") {
    return slurm({
      ...{ options: options ?? null, limit: jobs ?? null, onNote: note },
      program: PROGRAM,
    });
  }
  if (options !== undefined) {
    throw new UsageError("Cannot use --slurm without --on slurm");
  }
  return null;
}

/** The device on a site, which this machine need not have. */
export function deviceOn(word: string): Device {
  const device = DEVICES.find((device) => device === word);
  if (device) return device;
  throw new UsageError(
    `Cannot use --device ${word} on other machines: expected one of ${
      DEVICES.join(", ")
    }`,
  );
}
