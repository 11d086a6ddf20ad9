import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { listCards } from "lib/bench/devices/card_memory.ts";
import { deviceSpeed } from "lib/bench/devices/device_speed.ts";
import { hubAccess } from "lib/hub/repo.ts";
import { cudaFolder, missingIn } from "lib/onnx/ffi/cuda.ts";
import {
  ADAPTER_WORDS,
  graphicsAdapter,
  wantedAdapter,
} from "lib/onnx/adapters.ts";
import {
  integerFault,
  resolveDevice,
  unavailable,
  unavailablePrecision,
} from "lib/onnx/devices.ts";
import { Graph } from "lib/onnx/graph/graph.ts";
import {
  type Device,
  DEVICES,
  type Precision,
  PRECISIONS,
} from "lib/onnx/providers.ts";
import { compile } from "lib/onnx/session.ts";
import { gemm } from "lib/ops/linalg.ts";
import { sum } from "lib/ops/shaping.ts";
import { environment, provenance } from "lib/record/environment.ts";
import { reasonOf } from "lib/files/values.ts";

/** Everything that is said of a machine. */
export type Findings = Awaited<ReturnType<typeof inspectMachine>>;

/** Finds out about this machine; products are timed on it. */
export async function inspectMachine() {
  const auto = await resolveDevice("auto");
  const threads = navigator.hardwareConcurrency;
  const { memoryBytes, cpu, cores, os, packages, deno } = environment({
    device: auto,
    precision: "float32",
    threads,
  });
  return {
    versions: { source: await provenance(), deno, packages },
    machine: {
      os,
      cpu,
      cores,
      memoryBytes,
      freeBytes: Deno.systemMemoryInfo().available,
    },
    devices: { ...await devices(), auto },
    w8a16: worksUnless(await integerFault()),
    gemm: await gemmSpeeds([...new Set([1, threads])]),
    hub: await hub(),
  };
}

function worksUnless(reason: string | null) {
  return { works: reason === null, reason };
}

/**
 * Whether each device works, or why not; the adapters of WebGPU; and whether
 * CUDA's libraries are set up.
 */
async function devices() {
  const states = [];
  const found = await adapters();
  for (const device of DEVICES) {
    states.push([device, await stateOf(device, found)] as const);
  }
  const folder = cudaFolder();
  return {
    states: Object.fromEntries(states),
    adapters: found,
    cards: await listCards(),
    cudaLibraries: { folder, isSetUp: missingIn(folder).length === 0 },
  };
}

/** Whether a device works, in which formats, and how fast if it is a card. */
async function stateOf(
  device: Device,
  found: Awaited<ReturnType<typeof adapters>>,
) {
  const error = await unavailable(device);
  if (error) {
    return { works: false, reason: error.message, precisions: [], speed: null };
  }
  const precisions = await precisionsOf(device);
  const isPlayed = device === "webgpu" &&
    Object.values(found).some(({ isChosen, isSoftware }) =>
      isChosen && isSoftware
    );
  const speed = device === "cpu" || isPlayed
    ? null
    : await deviceSpeed(device, precisions);
  return { works: true, reason: null, precisions, speed };
}

/** Number formats in which a device computes. */
async function precisionsOf(device: Device): Promise<Precision[]> {
  const found: Precision[] = [];
  for (const precision of PRECISIONS) {
    const error = await unavailablePrecision(device, precision);
    if (!error) found.push(precision);
  }
  return found;
}

/** Adapters by the words that choose them, often the same one. */
async function adapters() {
  const found = [];
  for (const word of ADAPTER_WORDS) {
    const adapter = await graphicsAdapter(word);
    const isChosen = word === wantedAdapter();
    if (adapter) found.push([word, { ...adapter, isChosen }] as const);
  }
  return Object.fromEntries(found);
}

/** Rows, columns and depth of the timed product. */
const SIZE = 1024;
/** The time for the runs of a product. */
const MILLISECONDS = 300;

/** The speed of a float32 product on the CPU, for each number of threads. */
async function gemmSpeeds(counts: readonly number[]) {
  const data = Float32Array.from({ length: SIZE ** 2 }, (_, i) => i % 7 - 3);
  const x = { data, shape: [SIZE, SIZE] };
  const speeds = [];
  for (const threads of counts) {
    const value = new Graph().input("x", [SIZE, SIZE]);
    const product = sum(gemm(value, value, { transB: true }));
    const program = await compile({ product }, { threads });
    const seconds = await fastest(() => program.run({ x }));
    await program.release();
    speeds.push({ threads, gflops: 2 * SIZE ** 3 / seconds / 1e9 });
  }
  return speeds;
}

/** Seconds of the fastest run; there are at least two. */
async function fastest(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  let best = Infinity;
  for (let runs = 0; runs < 2 || performance.now() < start + MILLISECONDS;) {
    const before = performance.now();
    await run();
    best = Math.min(best, performance.now() - before);
    runs++;
  }
  return best / 1000;
}

/** The Hub's address and cache, by the environment; nothing is sent to it. */
async function hub() {
  const { endpoint, token, offlineBy, cache } = await hubAccess(
    Deno.env.toObject(),
  );
  const reason = await writeFault(cache);
  return {
    endpoint,
    offline: offlineBy !== null,
    offlineBy,
    hasToken: token !== null,
    cache: { folder: cache, writable: reason === null, reason },
  };
}

/** Why a folder cannot be written or created; null if it can. */
async function writeFault(folder: string): Promise<string | null> {
  if (!existsSync(folder)) return await writeFault(dirname(folder));
  try {
    await Deno.remove(await Deno.makeTempFile({ dir: folder }));
    return null;
  } catch (error) {
    return reasonOf(error);
  }
}
