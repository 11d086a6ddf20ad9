import { loadavg } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { writeTextAtomically } from "../files/atomic.ts";
import { orNull } from "../files/missing.ts";
import type { Device } from "../onnx/providers.ts";
import { canonicalJson } from "../record/canonical_json.ts";
import {
  checkJson,
  COUNT,
  JSON_OBJECT,
  SHA256,
  TEXT,
} from "../record/check_json.ts";
import {
  ENVIRONMENT,
  environment,
  PROVENANCE,
  provenance,
} from "../record/environment.ts";

/** Schema of the speed of PyTorch's products, by the type of numbers. */
export const PEER_PRODUCTS = v.strictObject({
  float32: v.number(),
  bfloat16: v.number(),
});

const NUMBERS = v.pipe(v.array(v.number()), v.readonly());

/** Schema of the times of a process that trains. */
const TIMES = {
  load: v.number(),
  reference: v.number(),
  /** Its part for the pairs of `steps`, where it is known apart. */
  referenceOfSteps: v.optional(v.number()),
  first: v.number(),
  steps: NUMBERS,
  peakMemoryBytes: COUNT,
};

/** Schema of one process of an interleaved comparison. */
export const PEER_PROCESS = v.strictObject({
  workload: v.string(),
  loss: v.string(),
  /** `prefgrad`, or the name of TRL's settings. */
  by: v.string(),
  round: COUNT,
  ...TIMES,
});

/** One process of an interleaved comparison. */
export type PeerProcess = v.InferOutput<typeof PEER_PROCESS>;

const COST = v.strictObject({
  ...{ hidden: COUNT, layers: COUNT, vocabulary: COUNT, rank: COUNT },
  ...{ length: COUNT, batch: COUNT, parameters: COUNT },
  ...{ seconds: v.number(), tokensPerSecond: v.number(), gflops: v.number() },
  ...{ loadedBytes: COUNT, peakMemoryBytes: COUNT },
});

/** Schema of one process of a comparison on a device. */
const DEVICE_PROCESS = v.strictObject({
  ...{ model: TEXT, tuning: v.picklist(["lora", "full"]), precision: TEXT },
  ...{ by: v.picklist(["prefgrad", "torch"]), batch: COUNT },
  /** Why it has no times. */
  failure: v.optional(TEXT),
  ...{ load: v.optional(v.number()), reference: v.optional(v.number()) },
  profiles: v.optional(v.pipe(
    v.array(v.strictObject({
      ...{ name: TEXT, seconds: NUMBERS },
      ...{ prompt: v.optional(COUNT), completion: v.optional(COUNT) },
      ...{ tokens: v.optional(COUNT), needed: v.optional(v.number()) },
    })),
    v.readonly(),
  )),
  peakMemoryBytes: v.optional(COUNT),
  /** By PyTorch's allocator. */
  allocatedBytes: v.optional(COUNT),
  /** In use on the card, allocators' reserves included. */
  cardMemoryBytes: v.optional(v.nullable(COUNT)),
});

const PRODUCTS = v.array(v.strictObject({
  ...{ rows: COUNT, inputs: COUNT, outputs: COUNT, gflops: v.number() },
  /** Absent for float32. */
  precision: v.optional(TEXT),
}));

const PAIRED = { ours: NUMBERS, theirs: NUMBERS };

/** Schemas of the sections, each of which is measured at once. */
export const SECTIONS = {
  machine: v.strictObject({ products: PRODUCTS }),
  parity: v.strictObject({
    model: TEXT,
    /** The first is the CPU's in float32. */
    runs: v.array(v.strictObject({
      ...{ device: TEXT, precision: TEXT },
      ...{ losses: NUMBERS, logProbs: NUMBERS, gradNorms: NUMBERS },
    })),
    /** Sums of one rank on a card, or why there are none. */
    nccl: v.optional(v.union([
      v.strictObject({
        ...{ numbers: COUNT, same: v.boolean() },
        ...{ join: v.number(), sums: NUMBERS },
      }),
      v.strictObject({ failure: TEXT }),
    ])),
  }),
  models: v.strictObject({ processes: v.array(DEVICE_PROCESS) }),
  training: v.record(
    v.string(),
    v.strictObject({
      ...TIMES,
      start: v.pipe(v.record(v.string(), v.number()), v.readonly()),
      tokens: NUMBERS,
      batch: COUNT,
    }),
  ),
  profile: v.record(
    v.string(),
    v.strictObject({
      executed: v.number(),
      needed: v.strictObject({
        ...{ trunk: v.number(), head: v.number() },
        ...{ attention: v.number(), adapters: v.number() },
      }),
      nodes: COUNT,
      operators: v.pipe(
        v.array(v.strictObject({
          ...{ operator: v.string(), seconds: v.number(), runs: COUNT },
        })),
        v.readonly(),
      ),
      seconds: v.number(),
    }),
  ),
  /** Steps over frozen weights of w8a16, in turn with float32. */
  baseWeights: v.strictObject({
    ...{ workload: TEXT, float32: NUMBERS, held: NUMBERS },
    error: v.strictObject({
      ...{ rows: COUNT, tokens: COUNT, mean: v.number(), largest: v.number() },
    }),
    /** Two products of whole numbers count as the one that they stand for. */
    products: PRODUCTS,
  }),
  cost: v.record(v.string(), v.array(COST)),
  prompts: v.array(v.strictObject({
    ...{ name: v.string(), prompt: COUNT, completion: COUNT },
    ...{ shared: NUMBERS, repeated: NUMBERS },
  })),
  generation: v.strictObject({
    ...{ prompts: COUNT, tokens: COUNT, ...PAIRED },
  }),
  tokenization: v.strictObject({
    ...{ texts: COUNT, tokens: COUNT, rowsPerSecond: v.number(), ...PAIRED },
  }),
  /** The main experiment, one draw and seed of each method. */
  experiment: v.strictObject({ seconds: v.number() }),
  ranks: v.strictObject({
    /** Tokens of the pairs that steps are of. */
    lengths: NUMBERS,
    processes: v.array(v.strictObject({
      ...{ ranks: COUNT, batch: COUNT, round: COUNT, ...TIMES },
      ...{ tokens: NUMBERS, floats: COUNT },
      /** The part of each step's tokens that the busiest rank has. */
      shares: NUMBERS,
      ...{ gather: v.number(), gatherExample: v.number() },
      reductions: v.pipe(
        v.array(v.strictObject({ floats: COUNT, seconds: v.number() })),
        v.readonly(),
      ),
    })),
  }),
  peer: v.strictObject({
    versions: v.record(v.string(), v.string()),
    /** 10⁹ operations a second by PyTorch; settings too slow are not measured. */
    products: v.optional(PEER_PRODUCTS),
    /** TRL's settings that are not measured, and its words on them. */
    refused: v.record(v.string(), v.string()),
    processes: v.array(PEER_PROCESS),
  }),
};

/** The name of a section. */
export type SectionName = keyof typeof SECTIONS;
/** What each section holds. */
export type Sections = {
  [Name in SectionName]: v.InferOutput<typeof SECTIONS[Name]>;
};
export const SECTION_NAMES = Object.keys(SECTIONS) as SectionName[];

/** Schema of `bench.json`. */
const BENCH = v.strictObject({
  schemaVersion: v.literal(1),
  kind: v.literal("bench"),
  settings: JSON_OBJECT,
  /** The model's weights and each workload's pairs, where any were read. */
  inputs: v.record(
    v.string(),
    v.strictObject({ source: TEXT, sha256: SHA256 }),
  ),
  provenance: v.nullable(PROVENANCE),
  environment: ENVIRONMENT,
  /** Instructions for vectors and matrices that the processor tells of. */
  cpuFlags: v.array(v.string()),
  sections: v.partial(v.strictObject(SECTIONS)),
  /** By section: its begin, seconds, and processes that waited at its begin. */
  measured: v.record(
    v.string(),
    v.strictObject({
      ...{ startedAt: v.string(), seconds: v.number(), load: v.number() },
    }),
  ),
});

/** Everything that a benchmark measured. */
export type BenchRecord = Omit<v.InferOutput<typeof BENCH>, "sections"> & {
  readonly sections: {
    readonly [Name in SectionName]?: Sections[Name] | undefined;
  };
};

const FILE = "bench.json";

/** The record of a folder; null without one. */
export async function readBench(folder: string): Promise<BenchRecord | null> {
  const path = join(folder, FILE);
  const text = await orNull(Deno.readTextFile(path));
  if (text === null) return null;
  return checkJson(BENCH, JSON.parse(text), `Cannot read ${path}`);
}

/** A record without sections. */
export async function newBench(
  { settings, inputs }: Pick<BenchRecord, "settings" | "inputs">,
  { device, threads }: { device: Device; threads: number },
): Promise<BenchRecord> {
  return {
    ...{ schemaVersion: 1, kind: "bench", settings, inputs },
    provenance: await provenance(),
    environment: environment({ device, precision: "float32", threads }),
    cpuFlags: cpuFlags(await orNull(Deno.readTextFile("/proc/cpuinfo"))),
    ...{ sections: {}, measured: {} },
  };
}

/** The flags of interest in Linux's account of the processor. */
export function cpuFlags(cpuinfo: string | null): string[] {
  const [, flags = ""] = cpuinfo?.match(/^flags\s*:(.*)$/m) ?? [];
  return flags.split(" ").filter((flag) => /^(avx|amx|fma|f16c)/.test(flag));
}

/** Writes a record at once. */
export async function writeBench(
  folder: string,
  record: BenchRecord,
): Promise<void> {
  const text = canonicalJson(record, { indent: 1 });
  checkJson(BENCH, JSON.parse(text), `Cannot write ${join(folder, FILE)}`);
  await Deno.mkdir(folder, { recursive: true });
  await writeTextAtomically(join(folder, FILE), `${text}\n`);
}

/** A record with one section more, and when it was measured. */
export function withSection<Name extends SectionName>(
  record: BenchRecord,
  name: Name,
  { content, started }: { content: Sections[Name]; started: Date },
): BenchRecord {
  const before = record.measured[name];
  const seconds = (Date.now() - started.getTime()) / 1000;
  return {
    ...record,
    sections: { ...record.sections, [name]: content },
    measured: {
      ...record.measured,
      [name]: {
        startedAt: before?.startedAt ?? started.toISOString(),
        seconds: (before?.seconds ?? 0) + seconds,
        load: before?.load ?? loadavg()[0]!,
      },
    },
  };
}
