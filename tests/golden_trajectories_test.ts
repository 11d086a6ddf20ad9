import { ok, strictEqual } from "node:assert/strict";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Example } from "lib/data/example.ts";
import { parseRows } from "lib/data/formats.ts";
import { readRows } from "lib/data/read_rows.ts";
import { optimizerBatches } from "lib/data/sampler.ts";
import { tokenizeRows } from "lib/data/tokenize.ts";
import { type Loss, resolveSettings, type Settings } from "lib/losses/loss.ts";
import { findLoss } from "lib/losses/registry.ts";
import { loadPolicy } from "lib/models/load_policy.ts";
import { computeReference, type Reference } from "lib/reference.ts";
import { type StepResult, Trainer } from "lib/trainer.ts";
import { assertClose } from "./assert_close.ts";

const shared = (path: string) =>
  fileURLToPath(new URL(`../../shared/${path}`, import.meta.url));
const FOLDER = shared("golden/trajectories");
const MODEL = shared("models/stories260K");

/** What TRL logged, see ../shared/golden/README.md. */
interface Trajectory {
  readonly kind: "dpo" | "kto" | "orpo";
  readonly config: {
    readonly batch: number;
    readonly accumulation: number;
    readonly epochs: number;
    readonly learningRate: number;
    readonly lora: object | null;
    readonly beta: number;
    readonly "desirable_weight"?: number;
    readonly "undesirable_weight"?: number;
  };
  readonly steps: readonly Readonly<Record<string, number>>[];
  readonly finalParameters: Readonly<Record<string, { readonly l2: number }>>;
}

const NAMES = [
  "dpo-full",
  "dpo-full-accumulated",
  "dpo-lora",
  "kto-full",
  "kto-weighted",
  "orpo-full",
];

for (const name of NAMES) {
  Deno.test({
    name: `training follows TRL step by step: ${name} (needs ../shared)`,
    ignore: !existsSync(FOLDER) || !existsSync(MODEL),
    fn: async () => {
      const golden: Trajectory = JSON.parse(
        await Deno.readTextFile(`${FOLDER}/${name}.json`),
      );
      const rows = parseRows(await readRows(`${FOLDER}/${name}.rows.jsonl`));
      const options = { tokenizer: null, vocabularySize: 512 };
      const { examples } = tokenizeRows(rows, options);
      const { steps, parameters } = await run(golden, examples);
      assertFollows(steps, golden);
      assertEndsAt(parameters, golden.finalParameters);
    },
  });
}

const REWARDS = [
  "logps/chosen",
  "logps/rejected",
  "rewards/chosen",
  "rewards/rejected",
  "rewards/margins",
];
/** Metrics that TRL logs too; for ORPO its others are means, where ours are sums. */
const METRICS: Record<Trajectory["kind"], readonly string[]> = {
  dpo: [...REWARDS, "rewards/accuracies"],
  kto: [...REWARDS, "kl"],
  orpo: ["nll"],
};
const TRL_NAMES: Readonly<Record<string, string>> = { nll: "nll_loss" };

/** Trains as the trajectory says. */
async function run(
  { kind, config }: Trajectory,
  examples: readonly Example[],
) {
  const { batch, accumulation, epochs, learningRate, lora } = config;
  const loss = findLoss(kind);
  const settings = settingsOf(kind, config);
  const { policy } = await loadPolicy(
    MODEL,
    lora
      ? { kind: "adapter", folder: `${FOLDER}/dpo-lora-initial-adapter` }
      : { kind: "full" },
  );
  // Small enough to cut the optimizer batches.
  const microTokens = 200;
  const trainer = await Trainer.create({ policy, loss, settings, microTokens });
  const batches = optimizerBatches(examples, { size: batch * accumulation });
  const reference = await referenceOf(trainer, { loss, settings, batches });
  const steps: StepResult[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const examples of batches) {
      const options = { settings, reference, learningRate };
      steps.push(await trainer.train(examples, options));
    }
  }
  const { tensors } = await trainer.save();
  await trainer.release();
  return { steps, parameters: tensors.get("parameter")! };
}

function settingsOf(
  kind: Trajectory["kind"],
  config: Trajectory["config"],
): Settings {
  const { beta } = config;
  const given = {
    dpo: { beta },
    kto: {
      beta,
      desirableWeight: config["desirable_weight"],
      undesirableWeight: config["undesirable_weight"],
      klPairing: "previous",
    },
    orpo: { lambda: beta, nllOver: "all", nllReduction: "token" },
  };
  return resolveSettings(findLoss(kind), given[kind]);
}

/** The policy as it is now, on every row that the loss looks at. */
async function referenceOf(
  trainer: Trainer,
  { loss, settings, batches }: {
    loss: Loss;
    settings: Settings;
    batches: readonly Example[][];
  },
): Promise<Reference | null> {
  if (!loss.usesReference(settings)) return null;
  const mismatched = batches.flatMap((batch) =>
    loss.data === "labels" ? loss.statistics.rows(batch, settings) : []
  );
  const rows = [...batches.flat(), ...mismatched];
  return await computeReference(rows, (rows) => trainer.score(rows));
}

/** Losses within 5e-4, gradient norms within 1e-3; in three steps within 5e-5. */
function assertFollows(
  steps: readonly StepResult[],
  { kind, steps: golden }: Trajectory,
): void {
  strictEqual(steps.length, golden.length);
  for (const [i, { loss, gradNorm, metrics }] of steps.entries()) {
    const expected = golden[i]!;
    const near = (what: string, found: number, tolerance: number) =>
      assertClose([found], [expected[what]!], {
        tolerance: i < 3 ? 5e-5 : tolerance,
        what: `${what} of step ${i + 1}`,
      });
    near("loss", loss, 5e-4);
    near("grad_norm", gradNorm, 1e-3);
    for (const name of METRICS[kind]) {
      const found = metrics[name]!;
      const wanted = expected[TRL_NAMES[name] ?? name]!;
      const error = Math.abs(found - wanted) / Math.max(1, Math.abs(wanted));
      ok(error < 5e-4, `${name} of step ${i + 1} is ${found}, not ${wanted}`);
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
