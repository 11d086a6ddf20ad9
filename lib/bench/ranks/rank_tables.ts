import type { Table } from "../../plot/figure.ts";
import { tableOf } from "../../plot/tables.ts";
import type { BenchRecord, Sections } from "../record.ts";
import {
  ASSUMED,
  CLUSTER_MODELS,
  type ClusterModel,
  memoryBytes,
  sizesOf,
} from "./cluster.ts";
import {
  type ClusterStep,
  clusterSteps,
  PAIR_TOKENS,
  type Range,
} from "./cluster_steps.ts";
import { fittedCosts, predictedSteps } from "./fitted_costs.ts";

/** Tables of steps on several ranks, measured and extrapolated. */
export function rankTables(record: BenchRecord): Table[] {
  const { ranks } = record.sections;
  if (!ranks) return [];
  const costs = fittedCosts(ranks.processes, record.environment);
  return [
    measuredTable(ranks, record),
    tableOf(Object.entries(costs), {
      caption: "Costs of a step on ranks, fitted to those",
      columns: {
        "cost": ([name]) => COSTS[name] ?? name,
        "microseconds": ([, seconds]) => 1e6 * seconds,
      },
    }),
    clusterTable(clusterSteps(costs, ranks.lengths)),
    memoryTable(),
    tableOf(Object.values(ASSUMED), {
      caption: "Assumptions about a cluster, which nothing here has measured",
      columns: {
        "number": ({ means }) => means,
        "from": ({ low }) => low,
        "to": ({ high }) => high,
      },
    }),
  ];
}

const COSTS: Readonly<Record<string, string>> = {
  perStep: "of a step, whatever its tokens",
  perToken: "of a token",
  perCall: "of a call of all ranks",
  perExample: "of an example's outputs, on every rank",
  perByte: "of a byte that each rank sends in a ring",
};

function measuredTable(
  { processes }: Sections["ranks"],
  { environment }: BenchRecord,
): Table {
  return tableOf(predictedSteps(processes, environment), {
    caption: "DPO steps on ranks of this machine",
    columns: {
      ranks: ({ ranks }) => ranks,
      "pairs": ({ batch }) => batch,
      "ranks a core": ({ inTurn }) => inTurn,
      "step, s": ({ measured }) => measured,
      "predicted, s": ({ predicted }) => predicted,
      "efficiency": ({ efficiency }) => efficiency,
    },
  });
}

const ofModel = {
  model: ({ model }: ClusterModel) => model,
  trained: ({ tuning }: ClusterModel) => tuning,
};

function clusterTable(steps: readonly ClusterStep[]): Table {
  const percent = ({ median, low, high }: Range) =>
    `${[median, low, high].map((x) => Math.round(100 * x)).join(" (")}`
      .replace(/ \((\d+)$/, " to $1)");
  return tableOf(steps, {
    caption:
      `Extrapolated steps on GPUs, pairs of ${PAIR_TOKENS} tokens: medians, and what 90 % of clusters drawn lie between`,
    columns: {
      ...ofModel,
      GPUs: ({ gpus }) => gpus,
      pairs: ({ pairs }) => pairs,
      "step, s": ({ seconds: { median } }) => median,
      "efficiency, %": ({ efficiency }) => percent(efficiency),
      "summing gradients, %": ({ summing }) => percent(summing),
    },
  });
}

function memoryTable(): Table {
  return tableOf(CLUSTER_MODELS, {
    caption: "Memory of each GPU, activations apart",
    columns: {
      ...ofModel,
      "gradient, MB": (model) => 4 * sizesOf(model).trained / 1e6,
      "memory, GB": (model) => memoryBytes(model) / 1e9,
    },
  });
}
