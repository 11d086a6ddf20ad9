import { ok, strictEqual } from "node:assert/strict";
import { existsSync } from "node:fs";
import { caseLoss, type SetLoss } from "lib/loss_tools/case_loss.ts";
import { chooseLoss } from "lib/loss_tools/choose.ts";
import type { Example } from "lib/data/example.ts";
import { loadExamples } from "lib/data/load.ts";
import { planBatches } from "lib/data/sampler.ts";
import { resolveOptions } from "lib/losses/options.ts";
import { loadPolicy } from "lib/models/load_policy.ts";
import { computeReference } from "lib/train/reference.ts";
import {
  rowsToReference,
  type StepMetrics,
  train,
  type TrainingPlan,
} from "lib/train/loop.ts";
import { Trainer } from "lib/train/trainer.ts";
import { assertClose } from "../assert_close.ts";
import { fixture, shared } from "../places.ts";

const GOLDEN = shared("golden/trajectories");
const MODEL = shared("models/stories260K");
/** Made by trl_trajectories.py beside them, which says with what. */
const FIXTURES = fixture("trajectories");

type Config = Readonly<Record<string, unknown>> & {
  readonly batch: number;
  readonly accumulation: number;
  readonly epochs: number;
  readonly learningRate: number;
  readonly lora: object | null;
  readonly beta: number;
};

/** What TRL logged, see ../shared/golden/README.md. */
interface Trajectory {
  readonly name: string;
  readonly kind: "dpo" | "kto" | "orpo" | "cpo" | "bco" | "tpo";
  readonly config: Config;
  readonly steps: readonly Readonly<Record<string, number>>[];
  readonly finalParameters: Readonly<Record<string, { readonly l2: number }>>;
}

for (const folder of [GOLDEN, FIXTURES]) {
  for (const name of namesIn(folder)) {
    Deno.test({
      name: `training follows TRL step by step: ${name} (needs ../shared)`,
      ignore: !existsSync(MODEL),
      fn: async () => {
        const golden: Trajectory = {
          name,
          ...JSON.parse(await Deno.readTextFile(`${folder}/${name}.json`)),
        };
        const path = `${folder}/${name}.rows.jsonl`;
        const { examples } = await loadExamples(path, {
          role: "train",
          tokenizer: null,
          vocabularySize: 512,
        });
        const { steps, parameters } = await run(golden, examples);
        assertFollows(steps, golden);
        assertEndsAt(parameters, golden.finalParameters);
      },
    });
  }
}

Deno.test({
  name: "there are trajectories to follow (needs ../shared)",
  ignore: !existsSync(GOLDEN),
  fn: () => {
    strictEqual(namesIn(GOLDEN).length, 7);
    ok(namesIn(FIXTURES).length >= 20);
  },
});

function namesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return [...Deno.readDirSync(folder)]
    .flatMap(({ name }) => name.match(/^([^.]+)\.json$/)?.[1] ?? [])
    .sort();
}

/** Trains as the trajectory says. */
async function run(golden: Trajectory, examples: readonly Example[]) {
  const { lora } = golden.config;
  const { loss, options: lossOptions } = await lossOf(golden);
  const { policy } = await loadPolicy(
    MODEL,
    lora
      ? { kind: "adapter", folder: `${GOLDEN}/dpo-lora-initial-adapter` }
      : { kind: "full" },
  );
  // Small enough to cut the optimizer batches.
  const microTokens = 200;
  const trainer = await Trainer.create({
    policy,
    loss,
    lossOptions,
    microTokens,
  });
  const plan = { ...planOf(golden.config, examples), lossOptions };
  const rows = rowsToReference(plan, loss);
  const reference = rows.length > 0
    ? await computeReference(rows, (rows) => trainer.referenceLogProbs(rows))
    : null;
  const steps: StepMetrics[] = [];
  const onStep = (step: StepMetrics) => void steps.push(step);
  await train(trainer, plan, { reference, onStep });
  const { tensors } = await trainer.save();
  await trainer.release();
  return { steps, parameters: tensors.get("parameter")! };
}

/** The loss that TRL's configuration means, as TRL has it. */
async function lossOf({ name, kind, config }: Trajectory): Promise<SetLoss> {
  const { beta } = config;
  if (Array.isArray(config["loss_type"])) {
    const { loss } = await chooseLoss("dpo+0.5*sft");
    return { loss, options: resolveOptions(loss, { beta }) };
  }
  const found = caseLoss({
    name: `${name}-${kind}`,
    location: name,
    trlLossType: typeOf({ kind, config }),
    averaged: null,
    options: {
      ...kind === "orpo" && { nllWeight: 1 },
      ...divergenceOf(config),
      ...Object.fromEntries(
        OPTIONS.flatMap((key) =>
          key in config ? [[key, config[key] as number | string]] : []
        ),
      ),
    },
    klLogRatios: null,
    averages: null,
    rest: {},
  }, beta);
  const { loss, options: lossOptions } = found;
  const variants = Object.entries(loss.presets?.trl?.options ?? {})
    .filter(([name, value]) =>
      typeof value === "string" && name !== "divergence"
    );
  const given = { ...lossOptions, ...Object.fromEntries(variants) };
  return { loss, options: resolveOptions(loss, given) };
}

/** What of a configuration is the loss's own. */
const OPTIONS = [
  "label_smoothing",
  "discopop_tau",
  "ld_alpha",
  "desirable_weight",
  "undesirable_weight",
  "simpo_gamma",
  "alpha",
  "cpo_alpha",
  "tpo_alpha",
];

/** TRL's α is 1 − that of the paper since 0.29. */
function divergenceOf(config: Config): Record<string, number | string> {
  const { ["f_divergence_type"]: divergence, ...rest } = config;
  const { ["f_alpha_divergence_coef"]: alpha } = rest;
  return {
    ...typeof divergence === "string" && { divergence },
    ...typeof alpha === "number" && { alpha: 1 - alpha },
  };
}

/** TRL's type, or the trainer that has but one; weighting is a flag there. */
function typeOf({ kind, config }: Pick<Trajectory, "kind" | "config">): string {
  if (config["use_weighting"]) return "wpo";
  if (kind === "tpo") return kind;
  const { ["loss_type"]: type = kind === "dpo" ? "sigmoid" : kind } = config;
  return String(type);
}

function planOf(
  config: Config,
  examples: readonly Example[],
): Omit<TrainingPlan, "lossOptions"> {
  const { batch, accumulation, epochs, learningRate } = config;
  return {
    examples,
    batches: planBatches(examples.length, {
      size: batch * accumulation,
      order: "sequential",
      epochs,
      shuffle: (_, order) => order,
    }),
    evalExamples: [],
    evalEvery: 0,
    evalBatch: 1,
    learningRate,
    schedule: "constant",
    warmup: 0,
    weightDecay: 0,
    maxGradNorm: 1,
    ...config["sync_ref_model"] === true && {
      referenceUpdate: {
        every: Number(config["ref_model_sync_steps"]),
        mix: Number(config["ref_model_mixup_alpha"]),
      },
    },
  };
}

const REWARDS = [
  "logps/chosen",
  "logps/rejected",
  "rewards/chosen",
  "rewards/rejected",
  "rewards/margins",
];
/**
 * Metrics that TRL logs too. Without a reference its rewards are others, and
 * its log-probabilities may be means where ours are sums.
 */
const METRICS: Record<Trajectory["kind"], readonly string[]> = {
  dpo: [...REWARDS, "rewards/accuracies"],
  kto: REWARDS,
  orpo: ["nll"],
  cpo: ["nll"],
  bco: [...REWARDS, "delta"],
  // Its rewards are of the second and third completions.
  tpo: [],
};
/** Where a loss says more or less than others of its trainer. */
const OTHERWISE: Readonly<Record<string, readonly string[]>> = {
  "kto-full": [...REWARDS, "kl"],
  "kto-weighted": [...REWARDS, "kl"],
  "ld-dpo": [],
  // A likelihood that does not count is logged as 0.
  "simpo-full": [],
  "alphapo": [],
};
const TRL_NAMES: Readonly<Record<string, string>> = { nll: "nll_loss" };

/** Losses within 5e-4, gradient norms within 1e-3; in three steps within 5e-5. */
function assertFollows(
  steps: readonly StepMetrics[],
  { kind, name, steps: golden }: Trajectory,
): void {
  strictEqual(steps.length, golden.length);
  for (const [i, metrics] of steps.entries()) {
    const expected = golden[i]!;
    const near = (what: string, found: number, tolerance: number) =>
      assertClose([found], [expected[what]!], {
        tolerance: i < 3 ? 5e-5 : tolerance,
        what: `${what} of step ${i + 1}`,
      });
    near("loss", metrics["loss"]!, 5e-4);
    near("grad_norm", metrics["gradNorm"]!, 1e-3);
    for (const metric of OTHERWISE[name] ?? METRICS[kind]) {
      const found = metrics[metric]!;
      const wanted = expected[TRL_NAMES[metric] ?? metric]!;
      const error = Math.abs(found - wanted) / Math.max(1, Math.abs(wanted));
      ok(error < 5e-4, `${metric} of step ${i + 1} is ${found}, not ${wanted}`);
    }
  }
}

/** Every parameter's norm is within 1e-4. */
function assertEndsAt(
  parameters: ReadonlyMap<string, Float32Array>,
  golden: Trajectory["finalParameters"],
): void {
  for (const [name, values] of parameters) {
    const expected = golden[name] ?? golden[pefts(name)];
    ok(expected, `the trajectory has no parameter ${name}`);
    const options = { tolerance: 1e-4, what: `norm of ${name}` };
    assertClose([Math.hypot(...values)], [expected.l2], options);
  }
}

/** PEFT's name for an adapter's factor: `….weight.lora_A` → `….lora_A.….` */
function pefts(name: string): string {
  const [module, factor] = name.split(".weight.");
  return `base_model.model.${module}.${factor}.default.weight`;
}
