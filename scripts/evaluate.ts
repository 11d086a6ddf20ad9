import { dirname } from "node:path";
import { writeTextAtomically } from "lib/files/atomic.ts";
import type { Example } from "lib/data/example.ts";
import { makeFolder } from "lib/files/temporary.ts";
import { suitedCuts } from "lib/data/tree_batch.ts";
import { loadTokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { parseFlags } from "lib/cli/flags.ts";
import { exampleWeights } from "lib/train/examples.ts";
import { type LogProbs, modelMetrics } from "lib/train/metrics.ts";
import { resolveDevice } from "lib/onnx/devices.ts";
import type { Device, Precision } from "lib/onnx/providers.ts";
import { createState } from "lib/onnx/state.ts";
import { ForwardPass } from "lib/train/forward_pass.ts";
import { progress, runVerb, say, table } from "lib/cli/terminal.ts";
import { type FlagValues, number, text, toggle } from "lib/cli/flag.ts";
import type { Verb } from "lib/cli/verb.ts";
import { ELSEWHERE } from "lib/run/elsewhere.ts";
import {
  DEVICE_FLAGS,
  MEMORY_FLAGS,
  MODEL_FLAGS,
  PRECISION_FLAGS,
  WEIGHT_FLAGS,
} from "lib/run/model_settings.ts";
import {
  LENGTH_FLAGS,
  READING_FLAGS,
  tokenizeOptions,
  TOKENIZING_FLAGS,
} from "lib/run/row_settings.ts";
import { TRAIN_FLAGS } from "lib/run/settings.ts";
import { settle } from "lib/cli/settings.ts";
import { inputProgress } from "./train/download_progress.ts";
import { requireBaseWeights, requirePrecision } from "lib/run/plan.ts";
import { type OpenedPolicy, openPolicy } from "lib/run/models.ts";
import {
  lengthLimit,
  type LoadedExamples,
  loadExamples,
} from "lib/data/load.ts";

const EVALUATE = {
  name: "evaluate",
  summary:
    "Measures a model on preference data: log-probabilities, perplexity, " +
    "rewards.",
  flags: {
    ...MODEL_FLAGS,
    data: TRAIN_FLAGS.data,
    reference: text({
      help: "reference model of the rewards; if absent, the model under the " +
        "adapter; without either there are no rewards",
      placeholder: "DIR|GGUF|ID",
    }),
    beta: number({
      help: "β of the rewards β log π/π_ref",
      default: 0.1,
      above: 0,
    }),
    rows: text({
      help: "JSONL file to write the numbers of each row to",
      placeholder: "FILE",
    }),
    json: toggle({ help: "print one JSON object" }),
    ...READING_FLAGS,
    ...LENGTH_FLAGS,
    ...TOKENIZING_FLAGS,
    ...DEVICE_FLAGS,
    ...MEMORY_FLAGS,
    ...WEIGHT_FLAGS,
    ...PRECISION_FLAGS,
  },
  elsewhere: ELSEWHERE,
  examples: [
    "deno task evaluate --model ./SmolLM2-135M-Instruct --data pairs.jsonl",
    "deno task evaluate --model org/name --adapter out/dpo/adapter --data pairs.jsonl --json",
    "deno task evaluate --model out/orpo/model --reference org/name --data pairs.jsonl --rows rows.jsonl",
  ],
} as const satisfies Verb;
type Values = FlagValues<typeof EVALUATE.flags>;

await runVerb(() => parseFlags(EVALUATE, Deno.args), async ({ values }) => {
  const { beta, rows } = values;
  const device = await resolveDevice(values.device);
  await requireBaseWeights(values.baseWeights, { ...values, device });
  await requirePrecision(values.precision, device);
  const model = await openPolicy(values.model, values.adapter, {
    ...values,
    ...inputProgress(),
  });
  const reference = await openReference(values, model);
  const data = await read(model, values);
  exampleWeights(data.examples);
  using _ = rows === undefined ? null : await makeFolder(dirname(rows));
  const scoring = { ...values, device, examples: data.examples };
  const logProbs = await score("model", model, scoring);
  const refLogProbs = reference &&
    await score("reference", reference, scoring);
  const scores = { logProbs, refLogProbs, rewardScale: beta };
  if (rows !== undefined) await writeRows(rows, data.examples, scores);
  const metrics = modelMetrics(data.examples, scores);
  if (values.json) say(JSON.stringify({ data: data.description, metrics }));
  else table(tableRows(data, metrics));
}, () => "Stopped; nothing was written");

/** The model that rewards are relative to; `null` for no rewards. */
async function openReference(
  { model: path, adapter, reference, baseWeights }: Values,
  { policy }: OpenedPolicy,
): Promise<OpenedPolicy | null> {
  if (reference === undefined && adapter === undefined) return null;
  const opened = await openPolicy(reference ?? path, undefined, {
    baseWeights,
    ...inputProgress(),
  });
  const [found, expected] = [opened.policy, policy].map(({ config }) =>
    config.vocabSize
  );
  if (found === expected) return opened;
  throw new Error(
    `Cannot compare with --reference ${reference}: its vocabulary has ${found} tokens, expected the model's ${expected}`,
  );
}

async function read(
  { folder, policy: { config } }: OpenedPolicy,
  { data, maxLength, maxPromptLength, truncate, ...values }: Values,
): Promise<LoadedExamples> {
  return await loadExamples(data, {
    ...tokenizeOptions(settle(TOKENIZING_FLAGS, values)),
    format: values.format,
    skipBadRows: values.skipBadRows,
    role: "eval",
    tokenizer: await loadTokenizer(folder),
    vocabularySize: config.vocabSize,
    maxLength: lengthLimit(maxLength ?? null, config),
    ...(maxPromptLength === undefined ? {} : { maxPromptLength }),
    truncate,
  }, inputProgress());
}

interface Scoring {
  examples: readonly Example[];
  device: Device;
  precision: Precision;
  threads: number;
  microTokens: number;
}

async function score(
  title: string,
  { policy }: OpenedPolicy,
  { examples, device, precision, threads, microTokens }: Scoring,
): Promise<number[][]> {
  const forward = new ForwardPass({
    ...{ policy, device, precision, threads, microTokens },
    attentionCuts: suitedCuts(examples),
  });
  const state = await createState([policy.trained], device);
  await state.write(policy.initial);
  using bar = progress({ title, total: examples.length });
  const logProbs = await forward.logProbs(examples, {
    parameters: state.tensors,
    onRows: (done) => bar.update(done),
  });
  await state.release();
  await forward.release();
  expectFinite(logProbs, title);
  return logProbs;
}

/** @throws Error for a log-probability that no mean could be taken of. */
function expectFinite(logProbs: readonly number[][], title: string): void {
  for (const [i, list] of logProbs.entries()) {
    for (const [k, logProb] of list.entries()) {
      if (Number.isFinite(logProb)) continue;
      throw new Error(
        `Cannot evaluate the ${title}: it gives completion ${
          k + 1
        } of example ${
          i + 1
        } the log-probability ${logProb}, expected a finite number`,
      );
    }
  }
}

/** Writes a line a row, with the metrics that a single row can have. */
async function writeRows(
  path: string,
  examples: readonly Example[],
  { logProbs, refLogProbs, rewardScale }: LogProbs & { rewardScale: number },
): Promise<void> {
  const lines = examples.map((example, i) => {
    // A row's own numbers are the same at any weight, that of 0 included.
    const metrics = modelMetrics([{ ...example, weight: 1 }], {
      logProbs: [logProbs[i]!],
      refLogProbs: refLogProbs && [refLogProbs[i]!],
      rewardScale,
    });
    return JSON.stringify({ example: i + 1, ...metrics }) + "\n";
  });
  await writeTextAtomically(path, lines.join(""));
}

function tableRows(
  { examples, description: { counts } }: LoadedExamples,
  metrics: Readonly<Record<string, number>>,
) {
  const { truncated, dropped } = counts;
  const values = { examples: examples.length, truncated, dropped, ...metrics };
  return Object.entries(values).map(([metric, value]) => ({ metric, value }));
}
