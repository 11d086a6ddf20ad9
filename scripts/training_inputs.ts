import { examplesFor } from "lib/data/adapt.ts";
import { hashExamples } from "lib/data/describe_examples.ts";
import type { Example, ExampleSet } from "lib/data/example.ts";
import { parseRows } from "lib/data/formats.ts";
import { readRows } from "lib/data/read_rows.ts";
import { tokenizeRows } from "lib/data/tokenize.ts";
import { loadTokenizer, type Tokenizer } from "lib/data/tokenizer.ts";
import {
  type FileProgress,
  resolveData,
  resolveModel,
  type Source,
} from "lib/hub.ts";
import { type Loss, resolveSettings, type Settings } from "lib/losses/loss.ts";
import { findLoss } from "lib/losses/registry.ts";
import {
  type LoadedPolicy,
  loadPolicy,
  type Tuning,
} from "lib/models/load_policy.ts";
import type { DecoderConfig } from "lib/models/config.ts";
import { type DataSource, portablePath } from "lib/record.ts";
import { Rng } from "lib/rng.ts";
import type { TrainSettings } from "./training_settings.ts";

/** Examples of one data file, and what the record says of it. */
export interface LoadedData {
  readonly examples: readonly Example[];
  readonly description: DataSource;
}

/** Everything a training run reads, checked. */
export interface TrainingInputs {
  readonly loss: Loss;
  readonly settings: Settings;
  readonly model: LoadedPolicy;
  /** Folder of the model. */
  readonly folder: string;
  /** How the record names the model. */
  readonly modelName: string;
  readonly tokenizer: Tokenizer | null;
  readonly train: LoadedData;
  readonly evaluation: LoadedData | null;
}

/** Longest example, in tokens, unless settings or model say otherwise. */
const USUAL_LENGTH = 1024;

/**
 * Resolves and reads what settings name: loss, model, data.
 *
 * @throws Error for the first thing that is missing or wrong, before anything
 * is written.
 */
export async function loadInputs(
  settings: TrainSettings,
  onFile: (progress: FileProgress) => void,
): Promise<TrainingInputs> {
  const loss = findLoss(settings.loss);
  const options = resolveSettings(loss, settings.options);
  if (settings.batch < (loss.minimumBatch ?? 1)) {
    throw new RangeError(
      `Loss "${loss.id}" needs at least ${loss.minimumBatch} examples in a batch, found --batch ${settings.batch}`,
    );
  }
  const { folder, source } = await resolveModel(settings.model, { onFile });
  const model = await loadPolicy(folder, await tuningOf(settings, onFile));
  const tokenizer = await loadTokenizer(folder);
  const read = async (role: string, data: string) => {
    const { files, source } = await resolveData(data, { onFile });
    const sets = await Promise.all(
      files.map(async (file) =>
        tokenizeRows(parseRows(await readRows(file)), {
          tokenizer,
          vocabularySize: model.policy.config.vocabSize,
          truncate: settings.truncate,
          ...limits(settings, model.policy.config),
        })
      ),
    );
    return loadedData(role, { sets, source, loss });
  };
  return {
    loss,
    settings: options,
    model,
    folder,
    modelName: nameOf(source),
    tokenizer,
    train: await read("train", settings.data),
    evaluation: settings.evalData
      ? await read("eval", settings.evalData)
      : null,
  };
}

/** What a record calls a model or data. */
export function nameOf(source: Source): string {
  return source.kind === "hub"
    ? `${source.repo}@${source.commit}`
    : portablePath(source.path);
}

function limits(
  { maxLength, maxPromptLength }: TrainSettings,
  { maxPositions }: DecoderConfig,
): { maxLength: number; maxPromptLength?: number } {
  if (maxLength !== null && maxLength > maxPositions) {
    throw new RangeError(
      `--max-length is ${maxLength}, expected at most the model's ${maxPositions} positions`,
    );
  }
  return {
    maxLength: maxLength ?? Math.min(USUAL_LENGTH, maxPositions),
    ...(maxPromptLength === null ? {} : { maxPromptLength }),
  };
}

async function tuningOf(
  { tuning, seed }: TrainSettings,
  onFile: (progress: FileProgress) => void,
): Promise<Tuning> {
  if (tuning.kind === "adapter") {
    const { folder } = await resolveModel(tuning.adapter, { onFile });
    return { kind: "adapter", folder };
  }
  if (tuning.kind === "full") return tuning;
  const rng = new Rng(seed).split("lora");
  return { ...tuning, uniform: () => rng.uniform() };
}

function loadedData(
  role: string,
  { sets, source, loss }: {
    sets: readonly ExampleSet[];
    source: Source;
    loss: Loss;
  },
): LoadedData {
  const [first] = sets;
  const other = sets.find(({ kind }) => kind !== first!.kind);
  if (other) {
    throw new Error(
      `Cannot mix files of ${first!.kind} and of ${other.kind} in ${
        nameOf(source)
      }`,
    );
  }
  const set = {
    kind: first!.kind,
    examples: sets.flatMap(({ examples }) => examples),
  };
  const examples = examplesFor(set, loss.data);
  if (examples.length === 0) {
    throw new Error(
      `No examples for loss "${loss.id}" in ${
        nameOf(source)
      }: expected at least one`,
    );
  }
  const total = (count: (set: ExampleSet) => number) =>
    sets.reduce((sum, set) => sum + count(set), 0);
  return {
    examples,
    description: {
      role,
      source: nameOf(source),
      sha256: hashExamples(set),
      counts: {
        rows: total(({ counts }) => counts.rows),
        truncated: total(({ counts }) => counts.truncated),
        dropped: total(({ counts: { dropped } }) =>
          Object.values(dropped).reduce((a, b) => a + b, 0)
        ),
        boundaryShifted: total(({ counts }) => counts.boundaryShifted),
      },
    },
  };
}
