import {
  type BenchRecord,
  newBench,
  readBench,
  type SectionName,
  type Sections,
  withSection,
  writeBench,
} from "./record.ts";
import { measured } from "./jobs.ts";
import { MEASURE, OBSTACLES } from "./sections.ts";
import { type BenchSettings, inputsOf, type Progress } from "./settings.ts";
import { portablePath } from "../record/record.ts";

/** Options of {@linkcode bench}. */
export interface BenchOptions {
  /** Folder of the record. */
  readonly out: string;
  /** The sections to measure, in order. */
  readonly sections: readonly SectionName[];
  /** Whether to measure sections anew that the record has. */
  readonly again: boolean;
  /** Seconds after which nothing more begins. @default none */
  readonly seconds?: number | undefined;
  onNote(text: string): void;
}

/** Sections that may lack processes. */
const IN_PARTS: readonly SectionName[] = ["peer", "models"];

/**
 * Measures sections that a folder's record lacks, and stores each at once, so
 * that one that was stopped goes on.
 *
 * @throws Error where the record is of other settings, or the device does not
 * work.
 */
export async function bench(
  settings: BenchSettings,
  { out, sections, again, seconds = Infinity, onNote }: BenchOptions,
): Promise<BenchRecord> {
  const begun = performance.now();
  const isOver = () => performance.now() - begun > 1000 * seconds;
  // Fails on a device that does not work, before anything is stored.
  await measured("precisions", settings.device);
  const recorded = recordedSettings(settings);
  let record = await readBench(out) ?? await newRecord(settings, recorded);
  assertSame(record, recorded, out);
  const store = async (next: BenchRecord) => {
    record = next;
    await writeBench(out, record);
  };
  for (const name of sections) {
    if (again) await store(without(record, name));
    if (record.sections[name] && !IN_PARTS.includes(name)) {
      onNote(`${name}: measured before`);
      continue;
    }
    if (isOver()) {
      onNote(`${name}: not begun, as the time is over`);
      continue;
    }
    const obstacle = await OBSTACLES[name]?.();
    if (obstacle) {
      onNote(`${name}: not measured on this processor: ${obstacle}`);
      continue;
    }
    onNote(`${name} …`);
    await measureSection(name, settings, {
      record: () => record,
      ...{ store, onNote, isOver },
    });
  }
  return record;
}

async function newRecord(
  settings: BenchSettings,
  recorded: BenchRecord["settings"],
): Promise<BenchRecord> {
  const inputs = settings.data.short === "-" ? {} : await inputsOf(settings);
  return await newBench({ settings: recorded, inputs }, settings);
}

async function measureSection<Name extends SectionName>(
  name: Name,
  settings: BenchSettings,
  { record, store, ...progress }: {
    record: () => BenchRecord;
    store: (record: BenchRecord) => Promise<void>;
  } & Pick<Progress<Sections[Name]>, "onNote" | "isOver">,
): Promise<void> {
  let started = new Date();
  const keep = async (content: Sections[Name]) => {
    await store(withSection(record(), name, { content, started }));
    started = new Date();
  };
  const known: Sections[Name] | undefined = record().sections[name];
  await keep(await MEASURE[name](settings, { known, keep, ...progress }));
}

/** Settings as records have them: without paths of this machine. */
function recordedSettings(
  { model, data, steps, ...rest }: BenchSettings,
): BenchRecord["settings"] {
  const { python: _, mainExperiment: __, ...numbers } = rest;
  return {
    ...{ ...numbers, steps: steps ?? null, model: portablePath(model) },
    data: {
      long: portablePath(data.long),
      short: portablePath(data.short),
    },
  };
}

function assertSame(
  { settings }: BenchRecord,
  wanted: BenchRecord["settings"],
  out: string,
): void {
  const other = Object.keys(wanted).find((name) =>
    JSON.stringify(settings[name]) !== JSON.stringify(wanted[name])
  );
  if (other === undefined) return;
  throw new Error(
    `Cannot go on in ${out}: its record has ${other} ${
      JSON.stringify(settings[other])
    }, found ${
      JSON.stringify(wanted[other])
    }; expected the same, or another --out`,
  );
}

/** A record that lacks a section. */
function without(record: BenchRecord, name: SectionName): BenchRecord {
  const rest = <T>(all: Readonly<Record<string, T>>) =>
    Object.fromEntries(Object.entries(all).filter(([key]) => key !== name));
  return {
    ...record,
    sections: { ...record.sections, [name]: undefined },
    measured: rest(record.measured),
  };
}
