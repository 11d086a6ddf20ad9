import { basename } from "node:path";
import type { Tokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { resolveSampling } from "lib/models/generate/warpers.ts";
import {
  portablePath,
  type RunRecord,
  sourceName,
  writeRecordOf,
} from "lib/record/record.ts";
import { environment, peakMemory, provenance } from "lib/record/environment.ts";
import { sha256, sha256File } from "lib/record/sha256.ts";
import { writeRows } from "lib/data/write/rows_file.ts";
import { type Answer, leftOutCounts } from "./answers.ts";
import type { GenerateSettings } from "./flags.ts";
import type { OpenedPolicy } from "lib/run/models.ts";
import { modelRecord } from "lib/run/record.ts";

/**
 * A completion as one object. With a `label` it is a row to train with: as the
 * ids that were drawn, or in words where these columns are left out.
 */
export function answerRow(
  { question, text, sample, finish, ...answer }: Answer,
  settings: GenerateSettings,
) {
  const { prompt, ids } = question;
  return {
    prompt,
    completion: typeof prompt === "string"
      ? text
      : [{ role: "assistant", content: text }],
    prompt_ids: ids,
    completion_ids: answer.ids,
    logps: answer.logProbs,
    sampling_logps: answer.samplingLogProbs,
    finish,
    sample,
    seed: settings.seed,
    settings: decisive(settings),
  };
}

/** Settings that decide the draw besides model, prompt and seed. */
function decisive({ maxNewTokens, stop, ...settings }: GenerateSettings) {
  return { maxNewTokens, ...resolveSampling(settings), stop };
}

/** Writes completions, and a record beside them. */
export async function writeAnswers(
  path: string,
  answers: readonly Answer[],
  written: {
    settings: GenerateSettings;
    model: OpenedPolicy;
    tokenizer: Tokenizer;
    timings: RunRecord["timings"];
  },
): Promise<void> {
  const rows = answers.map((answer) => answerRow(answer, written.settings));
  await writeRows(path, rows);
  const { settings, model, tokenizer, timings } = written;
  const { device, precision, threads, seed } = settings;
  await writeRecordOf(path, {
    schemaVersion: 1,
    kind: "generate",
    name: basename(path),
    settings: portable(settings),
    objective: null,
    seeds: { run: seed },
    provenance: await provenance(),
    data: [promptsOf(answers, settings)],
    model: modelRecord({
      ...model,
      source: sourceName(model.source),
      weights: await model.weights.hash(),
      tokenizer: tokenizer.hash,
    }),
    environment: environment({ device, precision, threads }),
    timings,
    peakMemoryBytes: peakMemory(),
    summary: summaryOf(answers),
    artifacts: { [basename(path)]: await sha256File(path) },
  });
}

/** Settings for a record, which is published; texts in quotes are no paths. */
function portable(settings: GenerateSettings): RunRecord["settings"] {
  const { adapter, system, baseWeights, precision, ...others } = settings;
  const { raw, samples, batch } = others;
  return {
    ...decisive(settings),
    stop: JSON.stringify(settings.stop),
    adapter: adapter === undefined ? null : portablePath(adapter),
    baseWeights,
    precision,
    raw,
    template: settings.template,
    system: system === undefined ? null : JSON.stringify(system),
    templateName: settings.templateName ?? null,
    templateOptions: JSON.stringify(settings.templateOption),
    samples,
    batch,
  };
}

function promptsOf(
  answers: readonly Answer[],
  { prompts }: GenerateSettings,
): RunRecord["data"][number] {
  const questions = [...new Set(answers.map(({ question }) => question))];
  const ids = questions.map((question) => question.ids);
  return {
    role: "prompts",
    source: prompts === undefined ? "--prompt" : portablePath(prompts),
    sha256: sha256(JSON.stringify(ids)),
    counts: {
      rows: ids.length,
      truncated: 0,
      dropped: 0,
      boundaryShifted: 0,
      ...Object.fromEntries(leftOutCounts(questions)),
    },
  };
}

function summaryOf(answers: readonly Answer[]) {
  const tokens = answers.map(({ ids }) => ids.length);
  return {
    completions: answers.length,
    tokens: tokens.reduce((a, b) => a + b),
    finish: Object.fromEntries(
      Map.groupBy(answers, ({ finish }) => finish).entries()
        .map(([finish, some]) => [finish, some.length]),
    ),
  };
}
