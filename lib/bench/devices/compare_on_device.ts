import { join } from "node:path";
import { temporaryFolder } from "../../files/temporary.ts";
import { measured } from "../jobs.ts";
import { runPeer } from "../peers.ts";
import type { Sections } from "../record.ts";
import type { BenchSettings, Progress } from "../settings.ts";
import { ADAPTER } from "../training.ts";
import { lineOf } from "../workloads.ts";
import { followCardMemory } from "./card_memory.ts";
import {
  devicePlan,
  type DeviceProcess,
  type DeviceWork,
  deviceWork,
} from "./device_plan.ts";
import type { DeviceJob } from "./device_run.ts";
import { MODEL_SHAPES, writeRandomModel } from "./model_shapes.ts";
import { profiledRows, timedSteps } from "./profile_rows.ts";

type Section = Sections["models"];
type Measured = Section["processes"][number];

/**
 * Times DPO on decoders of random weights on a device, ours and PyTorch's in
 * turn. Each process is kept at once; one that fails is kept with its words. None
 * is started after the deadline.
 */
export async function compareOnDevice(
  settings: BenchSettings,
  { known = { processes: [] }, keep, onNote, isOver }: Progress<Section>,
): Promise<Section> {
  let section = known;
  const work = deviceWork(settings);
  for (const process of devicePlan(settings)) {
    if (section.processes.some((each) => isSame(each, process))) continue;
    if (isOver()) {
      onNote(`${nameOf(process)}: not begun, as the time is over`);
      continue;
    }
    const measured = await measure(process, work, settings);
    onNote(noteOf(measured));
    section = { ...section, processes: [...section.processes, measured] };
    await keep(section);
  }
  return section;
}

type Names = Pick<Measured, "model" | "tuning" | "by" | "precision">;
const KEYS = ["model", "tuning", "by", "precision"] as const;

function isSame(a: Names, b: Names): boolean {
  return KEYS.every((key) => a[key] === b[key]);
}

async function measure(
  process: DeviceProcess,
  work: DeviceWork,
  settings: BenchSettings,
): Promise<Measured> {
  using folder = await temporaryFolder();
  const job = await jobOf(process, { work, settings, folder: folder.path });
  const card = followCardMemory();
  try {
    const times = await timesOf(process.by, job, settings.python);
    const cardMemoryBytes = await card.stop();
    return { ...process, batch: work.batch, ...times, cardMemoryBytes };
  } catch (error) {
    await card.stop();
    return { ...process, batch: work.batch, failure: firstWords(error) };
  }
}

async function jobOf(
  { model, ...process }: DeviceProcess,
  { work, settings: { device, threads }, folder }: {
    work: DeviceWork;
    settings: BenchSettings;
    folder: string;
  },
): Promise<DeviceJob> {
  const [place, cache] = [join(folder, "model"), join(folder, "cache")];
  await Deno.mkdir(place);
  await Deno.mkdir(cache);
  await writeRandomModel(place, model);
  const rows = join(folder, "rows.jsonl");
  const pairs = profiledRows(work, MODEL_SHAPES[model].vocab_size);
  await Deno.writeTextFile(rows, pairs.map(lineOf).join(""));
  const { by: _, ...how } = process;
  return { ...work, ...how, device, threads, model: place, rows, cache };
}

type Times = Pick<
  Measured,
  "load" | "reference" | "profiles" | "peakMemoryBytes" | "allocatedBytes"
>;

async function timesOf(
  by: DeviceProcess["by"],
  job: DeviceJob,
  python: string | null,
): Promise<Times> {
  if (by === "prefgrad") return await measured("device", job);
  const { seconds, load, ...rest } = await runPeer(python!, "device", {
    ...{ ...job, ...ADAPTER },
  });
  const timed = timedSteps(seconds, job);
  const { torch: _, allocatedBytes, peakMemoryBytes } = rest;
  return {
    ...{ load, peakMemoryBytes },
    ...allocatedBytes !== null && { allocatedBytes },
    profiles: job.profiles.map(({ name }, i) => ({
      ...{ name, seconds: timed[i]! },
    })),
  };
}

/** The first line of an error, which a record keeps. */
function firstWords(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n")[0]!.slice(0, 400);
}

const nameOf = ({ model, tuning, by, precision }: Names) =>
  `${model} ${tuning}, ${by} in ${precision}`;

function noteOf(process: Measured): string {
  const { profiles = [], failure } = process;
  const times = profiles.map(({ name, seconds }) =>
    `${name} ${Math.min(...seconds).toPrecision(3)} s`
  );
  return `${nameOf(process)}: ${failure ?? times.join(", ")}`;
}
