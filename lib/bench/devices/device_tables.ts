import type { Table } from "../../plot/figure.ts";
import { tableOf } from "../../plot/tables.ts";
import type { Sections } from "../record.ts";
import type { DeviceSummary, ParitySummary } from "./device_summary.ts";

/** How far runs on a device are from the CPU's in float32. */
export function parityTable(runs: readonly ParitySummary[]): Table {
  return tableOf(runs, {
    caption: "The same steps on the device and on the CPU in float32",
    columns: {
      "precision": ({ precision }) => precision,
      "loss, largest relative difference": ({ loss }) => loss,
      "log π of chosen, largest difference in nats": ({ logProb }) => logProb,
      "gradient's norm, largest relative difference": ({ gradNorm }) =>
        gradNorm,
      "steps": ({ steps }) => steps,
    },
  });
}

/** Sums of one rank on the device, which change nothing. */
export function ncclTable(nccl: Sections["parity"]["nccl"]): Table {
  return tableOf(nccl ? [nccl] : [], {
    caption: "Sums by NCCL with one rank",
    columns: {
      "numbers": (check) => "numbers" in check ? check.numbers : null,
      "unchanged": (check) => "same" in check ? check.same ? "yes" : "no" : "",
      "joining, s": (check) => "join" in check ? check.join : null,
      "first sum, s": (check) => "sums" in check ? check.sums[0]! : null,
      "fastest sum, s": (check) =>
        "sums" in check ? Math.min(...check.sums) : null,
      "failed with": (check) => "failure" in check ? check.failure : "",
    },
  });
}

/** DPO on decoders of random weights, by model and lengths. */
export function deviceTable(rows: readonly DeviceSummary[]): Table {
  return tableOf(rows, {
    caption: "DPO steps on the device",
    columns: {
      "model": ({ model, tuning }) => `${model} ${tuning}`,
      "lengths as in": ({ profile }) => profile,
      "by": ({ by, precision }) => `${by}, ${precision}`,
      "pairs/s": ({ pairsPerSecond }) => pairsPerSecond,
      "needed TFLOP/s": ({ teraflops }) => teraflops,
      "share of the products' rate": ({ share }) => share,
      "times PyTorch's pairs/s": ({ ratio }) => ratio,
    },
  });
}

/** Memory of the processes, and why some have no times. */
export function deviceMemoryTable(
  processes: Sections["models"]["processes"],
): Table {
  const gigabytes = (bytes: number | null = null) =>
    bytes === null ? null : bytes / 1e9;
  return tableOf(processes, {
    caption: "Processes on the device",
    columns: {
      "model": ({ model, tuning }) => `${model} ${tuning}`,
      "by": ({ by, precision }) => `${by}, ${precision}`,
      "start, s": ({ load }) => load ?? null,
      "in use on the card, GB": ({ cardMemoryBytes }) =>
        gigabytes(cardMemoryBytes),
      "PyTorch's tensors, GB": ({ allocatedBytes }) =>
        gigabytes(allocatedBytes),
      "host, GB": ({ peakMemoryBytes }) => gigabytes(peakMemoryBytes),
      "failed with": ({ failure }) => failure ?? "",
    },
  });
}
