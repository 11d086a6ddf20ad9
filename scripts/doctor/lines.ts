import { ADAPTER_VARIABLE } from "lib/onnx/adapters.ts";
import type { Findings } from "./findings.ts";

/** Whether this machine can train, and what it lacks for more, in sentences. */
export function sentencesOf({ devices, machine, hub }: Findings): string[] {
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

/** All findings, a line each. */
export function tableOf(findings: Findings): string {
  const lines = linesOf(findings);
  const width = Math.max(...lines.map(([name]) => name.length));
  return lines.map(([name, finding]) => `${name.padEnd(width)}  ${finding}`)
    .join("\n");
}

function linesOf(
  { versions, machine, devices, gemm, hub, w8a16 }: Findings,
): Line[] {
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
    ["--base-weights w8a16", w8a16.works ? "works" : `no: ${w8a16.reason}`],
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
