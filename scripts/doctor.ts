import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { listCards } from "lib/bench/devices/card_memory.ts";
import { deviceSpeed } from "lib/bench/devices/device_speed.ts";
import { parseFlags } from "lib/cli/flags.ts";
import { hubAccess } from "lib/hub/repo.ts";
import { cudaFolder, missingIn } from "lib/onnx/ffi/cuda.ts";
import {
  ADAPTER_VARIABLE,
  ADAPTER_WORDS,
  graphicsAdapter,
  wantedAdapter,
} from "lib/onnx/adapters.ts";
import {
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
import { runVerb, say } from "lib/cli/terminal.ts";
import { toggle } from "lib/cli/flag.ts";
import type { Verb } from "lib/cli/verb.ts";
import { reasonOf } from "lib/files/values.ts";

const DOCTOR = {
  name: "doctor",
  summary:
    "Says whether this machine can train and what it lacks: devices, speed, memory, cache.",
  flags: { json: toggle({ help: "print one JSON object" }) },
  examples: ["deno task doctor", "deno task doctor --json > machine.json"],
} as const satisfies Verb;

type Findings = Awaited<ReturnType<typeof inspectMachine>>;

async function inspectMachine() {
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
    gemm: await gemmSpeeds([...new Set([1, threads])]),
    hub: await hub(),
  };
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

/** Whether this machine can train, and what it lacks for more, in sentences. */
function sentencesOf({ devices, machine, hub }: Findings): string[] {
  const { auto, states } = devices;
  const { reason } = states[auto]!;
  const { folder, reason: unwritable } = hub.cache;
  return [
    reason === null
      ? `Can train, on ${auto}: ${gibibytes(machine.freeBytes)} of memory free`
      : `Cannot train: ${reason}`,
    ...Object.entries(states).filter(([name, state]) =>
      name !== auto && state.reason !== null
    ).map(([name, state]) =>
      `Cannot train on ${name}: ${state.reason!.replace(/^[^:]*: /, "")}`
    ),
    ...hub.offlineBy
      ? [`Cannot download: the Hub is switched off by ${hub.offlineBy}`]
      : [],
    ...unwritable ? [`Cannot keep downloads in ${folder}: ${unwritable}`] : [],
  ];
}

type Line = readonly [name: string, finding: string];

function aligned(lines: readonly Line[]): string {
  const width = Math.max(...lines.map(([name]) => name.length));
  return lines.map(([name, finding]) => `${name.padEnd(width)}  ${finding}`)
    .join("\n");
}

function linesOf({ versions, machine, devices, gemm, hub }: Findings): Line[] {
  const { source, deno, packages } = versions;
  const commit = source && source.commit + (source.dirty ? ", changed" : "");
  const { os, cpu, cores, memoryBytes, freeBytes } = machine;
  return [
    ["processor", `${cpu ?? "unknown"}, ${cores} cores`],
    ["memory", `${gibibytes(memoryBytes)}, ${gibibytes(freeBytes)} free`],
    ...deviceLines(devices),
    ...gemm.map(({ threads, gflops }): Line => [
      `float32 product, ${threads} ${threads === 1 ? "thread" : "threads"}`,
      `${gflops.toFixed(0)} GFLOP/s`,
    ]),
    ...hubLines(hub),
    ["system", os],
    ["source", commit ?? "no git checkout"],
    ["deno", deno],
    ...Object.entries(packages),
  ];
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}

function deviceLines(
  { states, auto, adapters, cards, cudaLibraries }: Findings["devices"],
): Line[] {
  const { folder, isSetUp } = cudaLibraries;
  return [
    ...Object.entries(states).map(([device, { works, precisions }]): Line => [
      `device ${device}`,
      works ? `works, in ${precisions.join(", ")}` : "does not work, see above",
    ]),
    ...Object.entries(states).flatMap(speedLines),
    ["device auto", `is ${auto}`],
    ...cards.map((card): Line => ["NVIDIA card", card]),
    ...adapterLines(adapters),
    ["CUDA libraries", isSetUp ? `set up in ${folder}` : "not set up"],
  ];
}

function speedLines(
  [device, { speed }]: [string, Findings["devices"]["states"][string]],
): Line[] {
  if (speed === null) return [];
  return [
    ...speed.products.map(({ precision, gflops }): Line => [
      `${precision} product, ${device}`,
      `${gflops.toFixed(0)} GFLOP/s`,
    ]),
    [`training step, ${device}`, `${(1000 * speed.stepSeconds).toFixed(0)} ms`],
  ];
}

function adapterLines(adapters: Findings["devices"]["adapters"]): Line[] {
  const found = Object.entries(adapters);
  if (found.length === 0) return [["adapter", "none for WebGPU"]];
  return found.map(([word, adapter]) => [
    `adapter ${word}`,
    [
      `${adapter.name} of ${adapter.vendor}`,
      adapter.isSoftware ? "software on the CPU" : "a GPU",
      adapter.hasFloat16 ? "float16" : "no float16",
      `tensors to ${gibibytes(adapter.limits.buffer)}`,
      adapter.isChosen ? "chosen" : `${ADAPTER_VARIABLE}=${word} chooses it`,
    ].join(", "),
  ]);
}

function hubLines({ endpoint, offlineBy, hasToken, cache }: Findings["hub"]) {
  const lines: Line[] = [
    ["Hub", `${endpoint}${offlineBy ? `, switched off by ${offlineBy}` : ""}`],
    ["Hub token", hasToken ? "set" : "none: public models and data only"],
    ["Hub cache", `${cache.folder}, ${cache.writable ? "" : "not "}writable`],
  ];
  return lines;
}

await runVerb(
  () => parseFlags(DOCTOR, Deno.args),
  async ({ values: { json } }) => {
    const findings = await inspectMachine();
    if (json) return say(JSON.stringify(findings, null, 2));
    say(`${sentencesOf(findings).join("\n")}\n`);
    say(aligned(linesOf(findings)));
  },
);
