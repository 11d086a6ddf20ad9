import type { Table } from "../plot/figure.ts";
import { tableOf } from "../plot/tables.ts";
import { type Cost, inOrder, type Varied } from "./cost.ts";
import {
  deviceMemoryTable,
  deviceTable,
  ncclTable,
  parityTable,
} from "./devices/device_tables.ts";
import { rankTables } from "./ranks/rank_tables.ts";
import { worthwhileSettings } from "./peers.ts";
import type { Ratio } from "./ratios.ts";
import type { BenchRecord, Sections } from "./record.ts";
import { type BenchSummary, summaryOf } from "./summary.ts";

const gigabytes = (bytes: number) => bytes / 1e9;

/** All tables of a record; a section that it lacks has none. */
export function benchTables(record: BenchRecord): Table[] {
  const { sections } = record;
  const summary = summaryOf(record);
  return [
    peerTable(summary),
    peerProductTable(sections.peer?.products),
    stepTable(summary),
    ...Object.entries(sections.profile ?? {}).map(operatorTable),
    startTable(sections.training ?? {}),
    machineTable(sections.machine?.products ?? []),
    baseWeightsTable(record, summary),
    integerTable(record),
    parityTable(summary.parity),
    ncclTable(sections.parity?.nccl),
    deviceTable(summary.models),
    deviceMemoryTable(sections.models?.processes ?? []),
    promptTable(sections.prompts ?? [], summary),
    speedTable(summary),
    experimentTable(summary),
    ...inOrder(sections.cost ?? {}).map(costTable),
    ...rankTables(record),
    refusalTable(sections.peer?.refused ?? {}),
    measuredTable(record),
  ].filter(({ rows }) => rows.length > 0);
}

/** A ratio with its interval, such as `4.02 (3.90 to 4.14)`. */
export function ratioText({ estimate, low, high }: Ratio): string {
  const text = (x: number) => x.toFixed(2);
  return low === null || high === null
    ? text(estimate)
    : `${text(estimate)} (${text(low)} to ${text(high)})`;
}

function peerTable({ peers }: BenchSummary): Table {
  return tableOf(Object.entries(peers), {
    caption: "TRL over prefgrad, on the same pairs in the same order",
    columns: {
      "workload, loss, settings of TRL": ([name]) => name,
      "time of a step": ([, { steps }]) => ratioText(steps),
      "with the reference": ([, ratios]) => ratioText(ratios.withReference),
      "peak memory": ([, { memory }]) => ratioText(memory),
      "rounds": ([, { steps }]) => steps.n,
    },
  });
}

function peerProductTable(products: Sections["peer"]["products"]): Table {
  const settings = products ? worthwhileSettings(products) : [];
  return tableOf(Object.entries(products ?? {}), {
    caption: "Products by PyTorch",
    columns: {
      precision: ([name]) => name,
      "GFLOP/s": ([, gflops]) => gflops,
      "TRL is measured with it": ([name]) =>
        settings.some(({ products }) => products === name)
          ? "yes"
          : "no, far slower than float32",
    },
  });
}

function stepTable({ steps, peakGflops }: BenchSummary): Table {
  return tableOf(Object.entries(steps), {
    caption: "DPO steps",
    columns: {
      workload: ([name]) => name,
      "pairs/s": ([, step]) => step.pairsPerSecond,
      "tokens/s": ([, step]) => step.tokensPerSecond,
      "peak memory, GB": ([, step]) => gigabytes(step.peakMemoryBytes),
      "start to first step, s": ([, step]) => step.startSeconds,
      "useful share of the peak": ([, step]) => step.usefulShare,
      "executed per needed": ([, step]) => step.executedPerNeeded,
      "peak, GFLOP/s": () => peakGflops,
    },
  });
}

/** Operators that take at least this share of the kernels' time. */
const LEAST_SHARE = 0.005;

function operatorTable(
  [workload, { operators }]: [string, Sections["profile"][string]],
): Table {
  const all = operators.reduce((sum, { seconds }) => sum + seconds, 0);
  const large = operators.filter(({ seconds }) => seconds >= LEAST_SHARE * all);
  return tableOf(large, {
    caption: `Kernels of ${workload} steps, by operator`,
    columns: {
      operator: ({ operator }) => operator,
      seconds: ({ seconds }) => seconds,
      share: ({ seconds }) => seconds / all,
      runs: ({ runs }) => runs,
    },
  });
}

function startTable(training: Sections["training"]): Table {
  const phases = Object.values(training)[0]?.start ?? {};
  const columns = Object.keys(phases).map((phase) =>
    [
      `${phase}, s`,
      ([, { start }]: [string, Sections["training"][string]]) =>
        start[phase] ?? null,
    ] as const
  );
  return tableOf(Object.entries(training), {
    caption: "Start of a process",
    columns: {
      workload: ([name]) => name,
      ...Object.fromEntries(columns),
      "reference of all pairs, s": ([, { reference }]) => reference,
      "first step, s": ([, { first }]) => first,
    },
  });
}

function machineTable(products: Sections["machine"]["products"]): Table {
  return tableOf(products, {
    caption: "Products by onnxruntime",
    columns: {
      "precision": ({ precision = "float32" }) => precision,
      "rows × inputs × outputs": shapeText,
      "GFLOP/s": ({ gflops }) => gflops,
    },
  });
}

function baseWeightsTable(
  { sections }: BenchRecord,
  { baseWeights: summary }: BenchSummary,
): Table {
  const rows = sections.baseWeights && summary
    ? [{ ...sections.baseWeights, summary }]
    : [];
  return tableOf(rows, {
    caption:
      "Steps over float32 weights in units of those with --base-weights w8a16",
    columns: {
      workload: ({ workload }) => workload,
      "time of a step": ({ summary }) => ratioText(summary.steps),
      "w8a16 is worth it here": ({ summary }) =>
        summary.isFaster ? "yes, if its error is small enough" : "not shown",
      "steps": ({ summary }) => summary.steps.n,
      "mean error of a token, nats": ({ error }) => error.mean,
      "largest": ({ error }) => error.largest,
      "tokens": ({ error }) => error.tokens,
    },
  });
}

/** Products by w8a16 beside those of float32. */
function integerTable({ sections }: BenchRecord): Table {
  const wide = sections.machine?.products ?? [];
  return tableOf(sections.baseWeights?.products ?? [], {
    caption: "Products of w8a16, each of two of whole numbers",
    columns: {
      "rows × inputs × outputs": shapeText,
      "GFLOP/s": ({ gflops }) => gflops,
      "float32, GFLOP/s": (product) =>
        wide.find(({ precision = "float32", ...each }) =>
          precision === "float32" && shapeText(each) === shapeText(product)
        )?.gflops ?? null,
    },
  });
}

type ProductSize = Record<"rows" | "inputs" | "outputs", number>;

const shapeText = ({ rows, inputs, outputs }: ProductSize) =>
  `${rows} × ${inputs} × ${outputs}`;

function promptTable(
  prompts: Sections["prompts"],
  summary: BenchSummary,
): Table {
  return tableOf(prompts, {
    caption: "A prompt before each completion over a prompt once",
    columns: {
      "lengths of": ({ name }) => name,
      prompt: ({ prompt }) => prompt,
      completion: ({ completion }) => completion,
      "tokens": ({ prompt, completion }) =>
        (2 * prompt + 2 * completion) / (prompt + 2 * completion),
      "time of a step": ({ name }) => ratioText(summary.prompts[name]!),
    },
  });
}

function speedTable({ generation, tokenization }: BenchSummary): Table {
  const rows = Object.entries({
    "tokens generated": generation,
    "texts tokenized": tokenization,
  }).flatMap(([name, speed]) => speed ? [{ name, ...speed }] : []);
  return tableOf(rows, {
    caption: "Generation and tokenization",
    columns: {
      "": ({ name }) => name,
      "a second": ({ perSecond }) => perSecond,
      "over transformers and tokenizers": ({ ratio }) =>
        ratio && ratioText(ratio),
    },
  });
}

function experimentTable({ experimentSeconds: seconds }: BenchSummary): Table {
  return tableOf(seconds === null ? [] : [seconds], {
    caption: "The main experiment, one draw and seed of each method",
    columns: { "seconds to its figure": (seconds) => seconds },
  });
}

function costTable([varied, points]: [Varied, readonly Cost[]]): Table {
  return tableOf(points, {
    caption: `Cost by ${varied}`,
    columns: {
      [varied]: (point) => point[varied],
      "seconds a step": ({ seconds }) => seconds,
      "tokens/s": ({ tokensPerSecond }) => tokensPerSecond,
      "needed GFLOP/s": ({ gflops }) => gflops,
      "loaded, GB": ({ loadedBytes }) => gigabytes(loadedBytes),
      "peak, GB": ({ peakMemoryBytes }) => gigabytes(peakMemoryBytes),
    },
  });
}

function refusalTable(refused: Readonly<Record<string, string>>): Table {
  return tableOf(Object.entries(refused), {
    caption: "Settings of TRL that should make it faster",
    columns: {
      setting: ([name]) => name,
      "its words": ([, words]) => words || "none: a step ran",
    },
  });
}

function measuredTable({ measured }: BenchRecord): Table {
  return tableOf(Object.entries(measured), {
    caption: "When each section was measured",
    columns: {
      section: ([name]) => name,
      begin: ([, { startedAt }]) => startedAt,
      seconds: ([, { seconds }]) => seconds,
      "load average at its begin": ([, { load }]) => load,
    },
  });
}
