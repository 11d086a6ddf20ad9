import {
  type BenchRecord,
  newBench,
  readBench,
  type SectionName,
  type Sections,
  withSection,
  writeBench,
} from "./record.ts";
import { MEASURE } from "./sections.ts";
import { type BenchSettings, inputsOf } from "./settings.ts";
import { portablePath } from "../record/record.ts";

/** Options of {@linkcode bench}. */
export interface BenchOptions {
  /** Folder of the record. */
  readonly out: string;
  /** The sections to measure, in order. */
  readonly sections: readonly SectionName[];
  /** Whether to measure sections anew that the record has. */
  readonly again: boolean;
  onNote(text: string): void;
}

/**
 * Measures sections that a folder's record lacks, and stores each at once, so
 * that one that was stopped goes on.
 *
 * @throws Error where the record is of other settings.
 */
export async function bench(
  settings: BenchSettings,
  { out, sections, again, onNote }: BenchOptions,
): Promise<BenchRecord> {
  const recorded = recordedSettings(settings);
  let record = await readBench(out) ?? await begun(settings, recorded);
  assertSame(record, recorded, out);
  const store = async (next: BenchRecord) => {
    record = next;
    await writeBench(out, record);
  };
  for (const name of sections) {
    if (again) await store(without(record, name));
    // A comparison may lack processes.
    if (record.sections[name] && name !== "peer") {
      onNote(`${name}: measured before`);
      continue;
    }
    onNote(`${name} …`);
    await measureSection(name, settings, {
      record: () => record,
      store,
      onNote,
    });
  }
  return record;
}

async function begun(
  settings: BenchSettings,
  recorded: BenchRecord["settings"],
): Promise<BenchRecord> {
  const inputs = settings.data.short === "-" ? {} : await inputsOf(settings);
  return await newBench({ settings: recorded, inputs }, settings.threads);
}

async function measureSection<Name extends SectionName>(
  name: Name,
  settings: BenchSettings,
  { record, store, onNote }: {
    record: () => BenchRecord;
    store: (record: BenchRecord) => Promise<void>;
    onNote: (text: string) => void;
  },
): Promise<void> {
  let started = new Date();
  const keep = async (content: Sections[Name]) => {
    await store(withSection(record(), name, { content, started }));
    started = new Date();
  };
  const known: Sections[Name] | undefined = record().sections[name];
  await keep(await MEASURE[name](settings, { known, keep, onNote }));
}

/** Settings as records have them: without paths of this machine. */
function recordedSettings(
  { model, data, python: _, steps, ...numbers }: BenchSettings,
): BenchRecord["settings"] {
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
