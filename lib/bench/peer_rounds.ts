import { measured } from "./jobs.ts";
import {
  PEER_SETTINGS,
  type PeerSetting,
  PROBES,
  runPeer,
  worthwhileSettings,
} from "./peers.ts";
import type { PeerProcess, Sections } from "./record.ts";
import {
  type BenchSettings,
  type Progress,
  trainingJob,
  workloadsOf,
} from "./settings.ts";
import { ADAPTER, type TrainingJob } from "./training.ts";

/** The name of our processes among others. */
export const OURS = "prefgrad";

/** Losses that are compared on each workload. */
const LOSSES: Readonly<Record<string, readonly string[]>> = {
  long: ["dpo", "kto", "orpo"],
  short: ["dpo"],
};

/** A process that a comparison has. */
export interface PlannedProcess
  extends Pick<PeerProcess, "workload" | "loss" | "by" | "round"> {
  /** TRL's settings; null for ours. */
  readonly setting: PeerSetting | null;
}

/**
 * The processes of a comparison in their order: in each round ours and then
 * theirs for each loss, so that whatever slows the machine for a while slows
 * both.
 */
export function plannedProcesses(
  workload: string,
  { rounds, peerSettings }: {
    rounds: number;
    peerSettings: readonly PeerSetting[];
  },
): PlannedProcess[] {
  return Array.from(
    { length: rounds },
    (_, round) =>
      LOSSES[workload]!.flatMap((loss) => [
        { workload, loss, by: OURS, round, setting: null },
        ...peerSettings.filter(({ losses, once = false }) =>
          losses.includes(loss) && (round === 0 || !once)
        ).map((setting) => ({
          ...{ workload, loss, round, setting },
          by: setting.name,
        })),
      ]),
  ).flat();
}

/** Measures the processes that are not known yet, and keeps each at once. */
export async function comparePeers(
  settings: BenchSettings,
  { known, keep, onNote }: Progress<Sections["peer"]>,
): Promise<Sections["peer"]> {
  const { python } = settings;
  if (python === null) {
    throw new Error("Cannot measure a peer: expected a Python with TRL");
  }
  let section = known ?? {
    ...{ versions: await versionsOf(python), processes: [] },
    products: await productsOf(settings, python),
    refused: await refusals(settings, python),
  };
  const { rounds } = settings;
  // Records from before products were measured have all settings.
  const peerSettings = section.products
    ? worthwhileSettings(section.products)
    : PEER_SETTINGS;
  for (const workload of workloadsOf(settings)) {
    for (
      const planned of plannedProcesses(workload.name, { rounds, peerSettings })
    ) {
      if (section.processes.some((each) => isSame(each, planned))) continue;
      const { round, loss } = planned;
      using job = await trainingJob(settings, workload, { round });
      const times = await timesOf({ ...job, loss }, planned, python);
      onNote(noteOf(planned, times));
      const { setting: _, ...name } = planned;
      const process = { ...name, ...times };
      section = { ...section, processes: [...section.processes, process] };
      await keep(section);
    }
  }
  return section;
}

type Times = Omit<PeerProcess, "workload" | "loss" | "by" | "round">;

function isSame(process: PeerProcess, planned: PlannedProcess): boolean {
  return (["workload", "loss", "by", "round"] as const)
    .every((key) => process[key] === planned[key]);
}

async function timesOf(
  job: TrainingJob,
  { setting }: PlannedProcess,
  python: string,
): Promise<Times> {
  if (setting) {
    return await runPeer(python, "train", { ...peerJob(job), ...setting });
  }
  const { start: _s, tokens: _t, ...times } = await measured("training", job);
  return times;
}

function peerJob({ cache: _, steps: _s, ...job }: TrainingJob) {
  return { ...job, ...ADAPTER };
}

async function versionsOf(python: string): Promise<Record<string, string>> {
  const { peakMemoryBytes: _, ...versions } = await runPeer(python, "versions");
  return Object.fromEntries(
    Object.entries(versions).map(([name, text]) => [name, `${text}`]),
  );
}

/** A product of a large layer, and how often it is timed. */
const PRODUCT = { shape: [1024, 576, 1536], runs: 8 };

async function productsOf(
  { threads }: BenchSettings,
  python: string,
): Promise<Sections["peer"]["products"]> {
  const input = { ...PRODUCT, threads };
  return (await runPeer(python, "products", input)).gflops;
}

/** TRL's words on settings that should make it faster. */
async function refusals(
  settings: BenchSettings,
  python: string,
): Promise<Record<string, string>> {
  const [workload] = workloadsOf({ ...settings, quick: true });
  using job = await trainingJob(settings, workload!, { round: 0 });
  const { said } = await runPeer(python, "probe", {
    ...{ ...peerJob({ ...job, loss: "dpo" }), weights: "float32" },
    config: { bf16: false, gradient_checkpointing: false },
    configs: PROBES,
  });
  return said;
}

function noteOf(
  { workload, loss, by, round }: PlannedProcess,
  { steps, peakMemoryBytes }: Times,
): string {
  const seconds = steps.reduce((a, b) => a + b, 0) / steps.length;
  return `${workload} ${loss}, ${by}, round ${round + 1}: ${
    seconds.toFixed(1)
  } s a step, ${(peakMemoryBytes / 1e9).toFixed(1)} GB`;
}
