import type { RunRecord } from "../record.ts";
import { code, figure, section, table } from "./markdown.ts";

/** With what a run computed, and what it took. */
export function machineSection(
  { environment, timings, peakMemoryBytes }: RunRecord,
): string {
  const { packages, device, precision, threads, ...rest } = environment;
  const { deno, os, cpu, cores, memoryBytes } = rest;
  const gigabytes = (bytes: number) => `${figure(bytes / 1e9)} GB`;
  const versions = Object.entries(packages)
    .map(([name, version]) => code(`${name} ${version}`));
  const facts: Record<string, string> = {
    "Device": `${code(device)}, ${code(precision)}, ${threads} threads`,
    "Processor": `${cpu === null ? "" : `${code(cpu)}, `}${cores} cores, ${
      gigabytes(memoryBytes)
    } of memory, ${code(os)}`,
    "Started": code(timings.startedAt),
    "Took": `${figure(timings.seconds)} s, at most ${
      gigabytes(peakMemoryBytes)
    } of memory`,
    "Deno": code(deno),
    "Packages": versions.join(", "),
  };
  return section(
    "Software and hardware",
    table(["", ""], Object.entries(facts)),
  );
}
