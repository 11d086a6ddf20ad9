import { dpo } from "lib/losses/dpo.ts";
import { kto } from "lib/losses/kto.ts";
import type { CardRun } from "lib/model_card/card.ts";
import type { RunRecord } from "lib/record/record.ts";
import type { MetricsRow } from "lib/record/metrics.ts";

const HASH = "0123456789abcdef".repeat(4);
export const COMMIT = "89abcdef01".repeat(4);

/** A run of DPO with LoRA, of a model and data from the Hub. */
export const DPO: RunRecord = {
  schemaVersion: 1,
  kind: "train",
  name: "dpo-seed0",
  settings: {
    model: `org/base@${COMMIT}`,
    data: `org/pairs@${COMMIT}`,
    evalData: "held_out.jsonl",
    loss: "dpo",
    preset: null,
    options: { beta: 0.1, labelSmoothing: 0 },
    tuning: { kind: "lora", rank: 16, alpha: 32, targets: "all-linear" },
    batch: 4,
    learningRate: 1e-5,
    skipBadRows: false,
    tokenizing: { boundary: "separate", specials: null },
  },
  objective: {
    loss: "dpo",
    formula: dpo.formula,
    reduction: "mean over the examples of the optimizer batch",
    nll: null,
    kl: null,
    reference: "the model as loaded",
  },
  seeds: { run: 0 },
  provenance: { commit: COMMIT, dirty: false },
  data: [{
    role: "train",
    source: `org/pairs@${COMMIT}`,
    sha256: HASH,
    format: "trl",
    conversions: [{ name: "flip", setting: 0.1, counts: { flipped: 30 } }],
    counts: {
      rows: 3000,
      truncated: 12,
      dropped: 34,
      boundaryShifted: 5,
      skipped: 0,
      doubledBos: 7,
    },
  }, {
    role: "eval",
    source: "held_out.jsonl",
    sha256: HASH,
    counts: { rows: 100, truncated: 0, dropped: 0, boundaryShifted: 0 },
  }],
  model: {
    source: `org/base@${COMMIT}`,
    weights: HASH,
    adapter: null,
    tokenizer: HASH,
    parameters: { total: 139_399_488, trainable: 4_884_480 },
  },
  environment: {
    device: "cpu",
    precision: "float32",
    threads: 2,
    packages: { "onnxruntime-node": "1.30.0" },
    lockfile: HASH,
    deno: "2.9.6",
    os: "linux x86_64",
    cpu: "Some | Processor",
    cores: 2,
    memoryBytes: 16e9,
  },
  timings: {
    startedAt: "2025-01-31T12:00:00.000Z",
    seconds: 12.5,
    phases: { train: 12 },
  },
  peakMemoryBytes: 3.25e9,
  summary: {
    loss: 0.5,
    diagnostics: {
      on: "evaluation",
      examples: 100,
      chosenChange: -1.5,
      rejectedChange: -4,
      marginChange: 2.5,
      klStart: 0.1,
      displaced: true,
      lengths: { chosen: 10, rejected: 12 },
      lengthCorrelation: 0.1,
    },
  },
  artifacts: { "metrics.jsonl": HASH },
};

/** Twenty steps, of which the tenth and the last were evaluated. */
const ROWS: MetricsRow[] = Array.from({ length: 20 }, (_, i) => ({
  step: i + 1,
  loss: (20 - i) / 20,
  "rewards/accuracies": i / 20,
  "rewards/margins": i / 10,
  "rewards/chosen": 0,
  "logps/chosen": -100 - i,
  ...(i + 1) % 10 === 0 && { "eval/loss": 0.6 - i / 100 },
}));

export const DPO_RUN: CardRun = {
  record: DPO,
  rows: ROWS,
  figure: "figure.png",
};

const local = {
  settings: { ...DPO.settings, evalData: null },
  data: [{ ...DPO.data[1]!, role: "train", source: "labels.jsonl" }],
  model: { ...DPO.model, source: "models/tiny", tokenizer: null },
  summary: {},
};

/** KTO of a local model, on local data, without evaluation. */
export const KTO_RUN: CardRun = {
  record: {
    ...DPO,
    ...local,
    settings: { ...local.settings, loss: "kto" },
    objective: {
      ...DPO.objective!,
      loss: "kto",
      formula: kto.formula,
      kl: kto.statistics!.formula,
    },
    provenance: null,
  },
  rows: ROWS.map(({ step, loss }) => ({ step, loss: loss!, kl: step / 10 })),
  figure: null,
};

/** A sum of losses, one of which is a file's, for all parameters. */
export const SUM_RUN: CardRun = {
  record: {
    ...DPO,
    settings: {
      ...DPO.settings,
      tuning: { kind: "full" },
      loss: "dpo+0.2*mine.ts",
    },
    objective: {
      ...DPO.objective!,
      loss: "dpo+0.2*mine",
      nll: "completion tokens, mean by token",
      code: [HASH],
    },
    provenance: { commit: COMMIT, dirty: true },
  },
  rows: ROWS.map((row) => ({ ...row, "loss/dpo": 0.4, "loss/mine": 0.5 })),
  figure: null,
};

/** Supervised fine-tuning: nothing is compared, nor referred to. */
export const SFT_RUN: CardRun = {
  record: {
    ...DPO,
    ...local,
    objective: {
      ...DPO.objective!,
      loss: "sft",
      formula: "−log π(y_w|x)",
      nll: "completion tokens, mean by token",
      reference: null,
    },
  },
  rows: ROWS.slice(0, 1).map(({ step, loss }) => ({ step, loss: loss! })),
  figure: null,
};
