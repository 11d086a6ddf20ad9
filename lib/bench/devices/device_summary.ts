import type { Sections } from "../record.ts";

/** The largest differences of a run on a device from that on the CPU. */
export interface ParitySummary {
  readonly precision: string;
  readonly loss: number;
  /** In nats. */
  readonly logProb: number;
  readonly gradNorm: number;
  readonly steps: number;
}

/** Compares each run with the first one. */
export function paritySummaries(
  { runs: [cpu, ...others] }: Sections["parity"],
): ParitySummary[] {
  if (!cpu) return [];
  return others.map(({ precision, losses, logProbs, gradNorms }) => ({
    precision,
    loss: largest(losses, cpu.losses, relative),
    logProb: largest(logProbs, cpu.logProbs, (x, y) => Math.abs(x - y)),
    gradNorm: largest(gradNorms, cpu.gradNorms, relative),
    steps: losses.length,
  }));
}

const relative = (x: number, y: number) => Math.abs(x - y) / Math.abs(y);

function largest(
  ours: readonly number[],
  theirs: readonly number[],
  difference: (x: number, y: number) => number,
): number {
  return Math.max(...ours.map((x, i) => difference(x, theirs[i]!)));
}

type Process = Sections["models"]["processes"][number];

/** Steps of a process on pairs of one length. */
export interface DeviceSummary
  extends Pick<Process, "model" | "tuning" | "by" | "precision"> {
  readonly profile: string;
  readonly pairsPerSecond: number;
  /** 10¹² operations a second of the products that a step needs. */
  readonly teraflops: number | null;
  /** Of the fastest products in the same format. */
  readonly share: number | null;
  /** Pairs a second over PyTorch's. */
  readonly ratio: number | null;
}

/** Draws rates and ratios from a record's sections. */
export function deviceSummaries(
  { processes }: Sections["models"],
  products: Sections["machine"]["products"],
): DeviceSummary[] {
  const timed = processes.flatMap((process) =>
    (process.profiles ?? []).map((profile) => ({ process, profile }))
  );
  const rateOf = (precision: string) => {
    const rates = products
      .filter((each) => (each.precision ?? "float32") === precision)
      .map(({ gflops }) => gflops);
    return rates.length === 0 ? null : Math.max(...rates) / 1e3;
  };
  return timed.map(({ process, profile }) => {
    const { model, tuning, by, precision } = process;
    const same = timed.filter((other) =>
      other.profile.name === profile.name && other.process.model === model &&
      other.process.tuning === tuning
    );
    const own = same.find((other) => other.process.by === "prefgrad");
    const torch = same.find((other) => other.process.by === "torch");
    const seconds = mean(profile.seconds);
    // Whoever computes a step, it needs the same products.
    const needed = own?.profile.needed;
    const teraflops = needed === undefined ? null : needed / seconds / 1e12;
    const rate = rateOf(precision);
    return {
      ...{ model, tuning, by, precision, profile: profile.name },
      ...{ pairsPerSecond: process.batch / seconds, teraflops },
      share: teraflops === null || rate === null ? null : teraflops / rate,
      ratio: by === "prefgrad" && torch
        ? mean(torch.profile.seconds) / seconds
        : null,
    };
  });
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0) / numbers.length;
}
