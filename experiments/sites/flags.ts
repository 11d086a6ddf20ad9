import { fileURLToPath } from "node:url";
import {
  choice,
  type FlagValues,
  grouped,
  number,
  parsed,
  text,
  toggle,
} from "lib/cli/flag.ts";
import { UsageError } from "lib/cli/flags.ts";
import { note } from "lib/cli/terminal.ts";
import { packedCode } from "lib/record/packed_code.ts";
import { hfJobs } from "lib/experiment/hf_jobs/hf_jobs.ts";
import type { Site } from "lib/experiment/site.ts";
import { leaveArray } from "lib/experiment/slurm/script.ts";
import { slurm } from "lib/experiment/slurm/slurm.ts";
import { isRepoName } from "lib/hub/repo.ts";
import { type Device, DEVICES } from "lib/onnx/providers.ts";

/** Flags of programs whose runs other machines can make. */
export const SITE_FLAGS = grouped("Other machines", {
  on: choice(["local", "slurm", "hf-jobs"], {
    help:
      "machines that make the runs: this one, those of a Slurm cluster, as an array of jobs in a folder that they share, or one of Hugging Face Jobs",
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
  flavor: text({
    help:
      "machine of Hugging Face Jobs, such as h200; a wrong name lists them all",
    placeholder: "NAME",
  }),
  hours: number({
    help: "time limit of a job of Hugging Face Jobs",
    default: 1,
    above: 0,
  }),
  records: text({
    help:
      "private data set repository for code and records of Hugging Face Jobs, whose owner pays; it is created if it is missing",
    placeholder: "ORG/NAME",
  }),
  yes: toggle({
    help:
      "start and pay a job of Hugging Face Jobs, instead of saying what it costs",
  }),
});

function isOptions(value: unknown): value is string {
  return typeof value === "string" && leaveArray(value);
}

type SiteValues = FlagValues<typeof SITE_FLAGS> & { readonly jobs?: number };

/** The site that flags name; `null` for this machine. */
export function siteOf(values: SiteValues): Site | null {
  const { on, slurm: options = null, jobs: limit = null } = values;
  const given = Object.entries(OWNERS)
    .find(([name, owner]) => owner !== on && values[name as Owned]);
  if (given) {
    const [name, owner] = given;
    throw new UsageError(`Cannot use --${name} without --on ${owner}`);
  }
  if (on === "local") return null;
  return on === "slurm"
    ? slurm({ options, limit, onNote: note, program: pathOf("slurm_task.ts") })
    : hfJobsOf(values);
}

/** Flags of one site alone. */
type Owned = "slurm" | "flavor" | "records" | "yes";

const OWNERS: Readonly<Record<Owned, SiteValues["on"]>> = {
  slurm: "slurm",
  flavor: "hf-jobs",
  records: "hf-jobs",
  yes: "hf-jobs",
};

function hfJobsOf({ flavor, hours, records, yes }: SiteValues): Site {
  if (flavor === undefined || records === undefined) {
    throw new UsageError(
      "Cannot use --on hf-jobs without --flavor and --records",
    );
  }
  if (!isRepoName(records)) {
    throw new UsageError(`Cannot use --records ${records}: expected org/name`);
  }
  return hfJobs({
    ...{ repo: records, flavor, hours, mayStart: yes, onNote: note },
    program: "experiments/sites/hf_task.ts",
    packCode: () => packedCode(),
  });
}

/** A program beside this file. */
function pathOf(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
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

/**
 * The site that flags name and the device on it, for runs that take their
 * threads from flags; `null` for this machine.
 */
export function elsewhereOf(
  values: SiteValues & { readonly device: string },
  given: ReadonlySet<string>,
): { site: Site; device: Device } | { site: null; device: null } {
  const site = siteOf(values);
  if (!site) return { site, device: null };
  const device = deviceOn(values.device);
  if (given.has("threads")) return { site, device };
  throw new UsageError(
    "Cannot take --threads from this machine for others: expected the number of processors that a job gets",
  );
}
