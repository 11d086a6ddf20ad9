import {
  deviceSummaries,
  type DeviceSummary,
  paritySummaries,
  type ParitySummary,
} from "./devices/device_summary.ts";
import { totalNeeded } from "./needed_flops.ts";
import { OURS } from "./peer_rounds.ts";
import { peerRatios, type Ratio, ratioOf } from "./ratios.ts";
import type { BenchRecord, Sections } from "./record.ts";

/** Numbers that a README quotes: a pure function of a record. */
export interface BenchSummary {
  /** 10⁹ products' operations a second at most, of the machine. */
  readonly peakGflops: number | null;
  /** By workload. */
  readonly steps: Readonly<Record<string, StepSummary>>;
  /** Runs on the device beside the CPU's. */
  readonly parity: readonly ParitySummary[];
  /** Steps of decoders of random weights on the device. */
  readonly models: readonly DeviceSummary[];
  /** By `WORKLOAD-LOSS-SETTINGS` of the peer. */
  readonly peers: Readonly<Record<string, PeerSummary>>;
  /** Seconds of a step with repeated prompts over shared ones, by data set. */
  readonly prompts: Readonly<Record<string, Ratio>>;
  /** Steps over frozen weights of w8a16; `null` before they are measured. */
  readonly baseWeights: BaseWeightsSummary | null;
  /** Our tokens a second, and how many times theirs. */
  readonly generation: SpeedSummary | null;
  readonly tokenization: SpeedSummary | null;
  /** Of the main experiment. */
  readonly experimentSeconds: number | null;
}

/** DPO steps on one workload. */
export interface StepSummary {
  readonly pairsPerSecond: number;
  readonly tokensPerSecond: number;
  readonly peakMemoryBytes: number;
  /** From the start of the process to the end of the first step, without the
   * reference. */
  readonly startSeconds: number;
  /** Of the peak; `null` before the machine or the profile is measured. */
  readonly usefulShare: number | null;
  /** Operations of the graph for one that is needed. */
  readonly executedPerNeeded: number | null;
}

/** A peer under some settings: how many times ours it takes. */
export type PeerSummary = Readonly<
  Record<"steps" | "withReference" | "memory", Ratio>
>;

/** Frozen weights held as w8a16, beside float32. */
export interface BaseWeightsSummary {
  /** Seconds of a step in float32 over those of w8a16. */
  readonly steps: Ratio;
  /** Whether steps are surely faster. */
  readonly isFaster: boolean;
  /** Mean error of a token's log-probability, in nats. */
  readonly error: number;
}

interface SpeedSummary {
  readonly perSecond: number;
  /** `null` where theirs was not measured. */
  readonly ratio: Ratio | null;
}

/** Draws all ratios and fractions from a record. */
export function summaryOf({ sections }: BenchRecord): BenchSummary {
  const { machine, generation, tokenization } = sections;
  const peakGflops = machine
    ? Math.max(...machine.products.map(({ gflops }) => gflops))
    : null;
  const peers = peerRatios(sections.peer?.processes ?? [], OURS);
  return {
    peakGflops,
    steps: mapped(
      sections.training ?? {},
      (training, name) =>
        stepSummary(training, sections.profile?.[name], peakGflops),
    ),
    parity: sections.parity ? paritySummaries(sections.parity) : [],
    models: deviceSummaries(
      sections.models ?? { processes: [] },
      machine?.products ?? [],
    ),
    peers: Object.fromEntries(
      peers.map(({ workload, loss, by, ...ratios }) => [
        `${workload}-${loss}-${by.replaceAll(/[ ,]+/g, "-")}`,
        ratios,
      ]),
    ),
    prompts: Object.fromEntries(
      (sections.prompts ?? []).map(({ name, repeated, shared }) => [
        name,
        ratioOf(repeated, shared),
      ]),
    ),
    baseWeights: sections.baseWeights
      ? baseWeightsSummary(sections.baseWeights)
      : null,
    generation: generation ? speedOf(generation) : null,
    tokenization: tokenization ? speedOf(tokenization) : null,
    experimentSeconds: sections.experiment?.seconds ?? null,
  };
}

function stepSummary(
  { steps, tokens, batch, load, first, peakMemoryBytes }:
    Sections["training"][string],
  profile: Sections["profile"][string] | undefined,
  peakGflops: number | null,
): StepSummary {
  const seconds = sum(steps);
  const needed = profile ? totalNeeded(profile.needed) : null;
  return {
    pairsPerSecond: batch * steps.length / seconds,
    tokensPerSecond: sum(tokens) / seconds,
    peakMemoryBytes,
    startSeconds: load + first,
    usefulShare: needed && peakGflops
      ? needed / seconds / 1e9 / peakGflops
      : null,
    executedPerNeeded: needed && profile ? profile.executed / needed : null,
  };
}

function baseWeightsSummary(
  { float32, held, error }: Sections["baseWeights"],
): BaseWeightsSummary {
  const steps = ratioOf(float32, held);
  const isFaster = steps.low !== null && steps.low > 1;
  return { steps, isFaster, error: error.mean };
}

function speedOf(
  { ours, theirs }: Record<"ours" | "theirs", readonly number[]>,
): SpeedSummary {
  return {
    perSecond: sum(ours) / ours.length,
    ratio: theirs.length > 0
      ? ratioOf(ours.slice(0, theirs.length), theirs)
      : null,
  };
}

function mapped<T, U>(
  record: Readonly<Record<string, T>>,
  of: (value: T, name: string) => U,
): Record<string, U> {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => [name, of(value, name)]),
  );
}

function sum(list: readonly number[]): number {
  return list.reduce((a, b) => a + b, 0);
}
