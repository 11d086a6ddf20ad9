import { join } from "node:path";
import { hashExamples } from "../data/example.ts";
import { temporaryFolder } from "../files/temporary.ts";
import { openWeights } from "../models/weights/weights.ts";
import type { Device } from "../onnx/providers.ts";
import { portablePath, sourceName } from "../record/record.ts";
import { modelFolder } from "../run/models.ts";
import type { TrainingJob } from "./training.ts";
import {
  lineOf,
  pairsOfRound,
  type Workload,
  workloadPairs,
  WORKLOADS,
} from "./workloads.ts";

/** Everything that decides what a benchmark measures. */
export interface BenchSettings {
  readonly model: string;
  /** Files of preference pairs by workload; `-` where no section reads any. */
  readonly data: Readonly<Record<Workload["name"], string>>;
  readonly device: Device;
  readonly threads: number;
  /** Times that ours and theirs are measured in turn. */
  readonly rounds: number;
  /** Timed steps of a process. @default those of the workload */
  readonly steps?: number | undefined;
  /** Whether to measure as little as shows that it works. */
  readonly quick: boolean;
  /** A Python with TRL; null measures ours alone. */
  readonly python: string | null;
  /** The script that runs the main experiment. */
  readonly mainExperiment: string;
}

/** A section that a run before this one has begun, and a way to keep it. */
export interface Progress<Section> {
  readonly known: Section | undefined;
  /** Stores what there is so far. */
  keep(section: Section): Promise<void>;
  onNote(text: string): void;
  /** Whether the time is over, so that nothing more is to begin. */
  isOver(): boolean;
}

/** The workloads, with the steps of the settings. */
export function workloadsOf(
  { quick, steps }: Pick<BenchSettings, "quick" | "steps">,
): Workload[] {
  const all = quick ? [WORKLOADS.short] : Object.values(WORKLOADS);
  return all.map((workload) => ({
    ...workload,
    ...steps !== undefined && { steps },
  }));
}

/** A folder with the pairs of a round, as all trainers read them. */
export async function trainingJob(
  { model, data, threads }: BenchSettings,
  workload: Workload,
  { round }: { round: number },
): Promise<Omit<TrainingJob, "loss"> & Disposable> {
  const { folder: place } = await modelFolder(model);
  const pairs = await workloadPairs(data[workload.name], workload, place);
  const folder = await temporaryFolder();
  const rows = join(folder.path, "rows.jsonl");
  const some = pairsOfRound(pairs, { ...workload, round });
  await Deno.writeTextFile(rows, some.map(lineOf).join(""));
  const { batch, steps } = workload;
  return {
    ...{ model: place, rows, cache: folder.path, batch, steps, threads },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

/** The model and the pairs of each workload, by their hashes. */
export async function inputsOf(
  { model, data, ...settings }: BenchSettings,
): Promise<Record<string, { source: string; sha256: string }>> {
  const { folder, source } = await modelFolder(model);
  const weights = await openWeights(folder);
  const inputs = {
    model: { source: sourceName(source), sha256: await weights.hash() },
  };
  const pairs = await Promise.all(
    workloadsOf(settings).map(async (workload) => {
      const file = data[workload.name];
      const examples = await workloadPairs(file, workload, folder);
      return [workload.name, {
        source: portablePath(file),
        sha256: hashExamples({ examples }),
      }] as const;
    }),
  );
  return { ...inputs, ...Object.fromEntries(pairs) };
}
