import { type Example, hashExamples } from "lib/data/example.ts";
import { lengthLimit, loadExamples, type LoadOptions } from "lib/data/load.ts";
import type { PreferenceRow } from "lib/data/preference_row.ts";
import type { Prompt } from "lib/data/tokenize/prompts.ts";
import type { Tokenizer } from "lib/data/tokenizer/tokenizer.ts";
import type { DecoderConfig } from "lib/models/config.ts";
import { canonicalJson } from "lib/record/canonical_json.ts";
import type { DataSource } from "lib/record/record.ts";
import { sha256 } from "lib/record/sha256.ts";
import { type DataInMemory, readingOptions } from "lib/run/inputs.ts";
import type { InputHooks } from "lib/run/models.ts";
import type { ComparisonSettings } from "./settings.ts";

/** Pairs to train on, and pairs to compare on. */
export interface Preferences {
  readonly train: DataInMemory;
  readonly heldOut: readonly Example[];
  /** Prompt of each held-out pair as its row has it; `null` of token ids. */
  readonly prompts: readonly (Prompt["content"] | null)[];
  readonly heldOutSource: DataSource;
  /** Whether the rows to train on are conversations. */
  readonly isChat: boolean;
  /** All that was read: the data, and those for evaluation if there are any. */
  readonly read: readonly DataInMemory[];
}

type Wanted = Pick<ComparisonSettings, "train" | "heldOut">;

/** A model as far as rows are read for it. */
interface Reader {
  readonly tokenizer: Tokenizer | null;
  readonly config: DecoderConfig;
}

/**
 * Reads the preferences of a comparison. Without data for evaluation a share of
 * the prompts is held out, with all their pairs. There is noise in pairs to
 * train on alone.
 *
 * @throws Error for what cannot be read, for data other than pairs, and where
 * nothing is left to train or to evaluate on.
 */
export async function readPreferences(
  { train, heldOut }: Wanted,
  reader: Reader,
  hooks: InputHooks = {},
): Promise<Preferences> {
  const { data, evalData, conversions } = train;
  const { flip, softLabels, ...clean } = conversions;
  const rowOf = new Map<Example, PreferenceRow>();
  const read = (place: string, role: string, conversions: Conversions) =>
    readPairs(place, {
      ...{ role, train: { ...train, conversions }, reader },
      onExample: (example, row) => rowOf.set(example, row),
    }, hooks);
  const all = await read(data, "train", conversions);
  const other = evalData === null ? null : await read(evalData, "eval", clean);
  const isNoisy = flip !== undefined || softLabels !== undefined;
  const whole: Rows = {
    trained: all.examples,
    clean: isNoisy && (other === null || heldOut.isDev)
      ? (await read(data, "train", clean)).examples
      : all.examples,
  };
  const { kept, held } = other
    ? { kept: whole, held: other.examples }
    : splitRows(whole, heldOut);
  const parts = heldOut.isDev ? splitRows(kept, heldOut) : { kept, held };
  const pairs = spread(parts.held, heldOut.pairs);
  const source = other && !heldOut.isDev ? other.description : all.description;
  const { trained } = parts.kept;
  return {
    train: dataOf(trained, all.description),
    heldOut: pairs,
    prompts: pairs.map((pair) => promptOf(rowOf.get(pair)!)),
    isChat: trained.some((example) => rowOf.get(example)!.form === "chat"),
    heldOutSource: withOverlap(
      described(pairs, { ...source, role: "eval" }),
      { trained, pairs },
    ),
    read: other ? [all, other] : [all],
  };
}

/**
 * So many pairs, of as many prompts as there are: the first of each prompt
 * before the second of any.
 */
export function spread(
  pairs: readonly Example[],
  most: number,
): readonly Example[] {
  const seen = new Map<string, number>();
  const turns = pairs.map((pair) => {
    const key = promptKey(pair);
    const turn = seen.get(key) ?? 0;
    seen.set(key, turn + 1);
    return { pair, turn };
  });
  return turns.toSorted((a, b) => a.turn - b.turn).slice(0, most)
    .map(({ pair }) => pair);
}

function promptOf(row: PreferenceRow): Prompt["content"] | null {
  return row.form === "ids" ? null : row.prompt;
}

type Conversions = ComparisonSettings["train"]["conversions"];

async function readPairs(
  place: string,
  { role, train, reader, onExample }: {
    role: string;
    train: ComparisonSettings["train"];
    reader: Reader;
    onExample: NonNullable<LoadOptions["onExample"]>;
  },
  hooks: InputHooks,
): Promise<DataInMemory> {
  const found = await loadExamples(place, {
    ...rowOptions(train, reader),
    ...{ role, onExample },
    conversions: { ...train.conversions, seed: 0 },
  }, hooks);
  if (found.kind === "pairs") return found;
  throw new Error(
    `Cannot compare on ${place}: expected pairs of a chosen and a rejected answer, found ${found.kind}`,
  );
}

/** How the texts of rows become tokens. */
export function rowOptions(
  train: ComparisonSettings["train"],
  { tokenizer, config }: Reader,
): Omit<LoadOptions, "role"> {
  return {
    ...{ ...readingOptions(train), tokenizer },
    vocabularySize: config.vocabSize,
    maxLength: lengthLimit(train.maxLength, config),
  };
}

/** The same rows as they are trained on, and without noise. */
interface Rows {
  readonly trained: readonly Example[];
  readonly clean: readonly Example[];
}

function splitRows(
  { trained, clean }: Rows,
  heldOut: HeldOutPrompts,
): { kept: Rows; held: readonly Example[] } {
  const { kept, held } = splitByPrompt(clean, heldOut);
  if (trained === clean) return { kept: { trained: kept, clean: kept }, held };
  const out = new Set(held.map(promptKey));
  const isKept = (example: Example) => !out.has(promptKey(example));
  return { kept: { trained: trained.filter(isKept), clean: kept }, held };
}

/** Counts the pairs to compare on whose prompts are trained on. */
function withOverlap(
  source: DataSource,
  { trained, pairs }: {
    trained: readonly Example[];
    pairs: readonly Example[];
  },
): DataSource {
  const prompts = new Set(trained.map(promptKey));
  const trainedPrompts =
    pairs.filter((pair) => prompts.has(promptKey(pair))).length;
  if (trainedPrompts === 0) return source;
  return { ...source, counts: { ...source.counts, trainedPrompts } };
}

function dataOf(
  examples: readonly Example[],
  description: DataSource,
): DataInMemory {
  return {
    kind: "pairs",
    examples,
    description: described(examples, description),
  };
}

/** The description of some of the examples. */
function described(
  examples: readonly Example[],
  description: DataSource,
): DataSource {
  const { counts } = description;
  return {
    ...description,
    sha256: hashExamples({ examples }),
    counts: { ...counts, rows: examples.length },
  };
}

/** How many prompts are held out, and which. */
type HeldOutPrompts = Pick<ComparisonSettings["heldOut"], "share" | "seed">;

/**
 * Holds prompts out: those whose hash is least, so that neither their order nor
 * other rows decide. With a seed, the hash of it and the prompt: other prompts.
 *
 * @throws Error where one of the two parts would be empty.
 */
export function splitByPrompt(
  examples: readonly Example[],
  { share, seed }: HeldOutPrompts,
): { kept: Example[]; held: Example[] } {
  const ofPrompt = examples.map(promptKey);
  const keys = seed === undefined
    ? ofPrompt
    : ofPrompt.map((key) => sha256(`${seed} ${key}`));
  const prompts = [...new Set(keys)].sort();
  const count = Math.max(1, Math.round(share * prompts.length));
  if (count >= prompts.length) {
    throw new Error(
      `Cannot hold out ${count} of ${prompts.length} prompts: expected others to train on`,
    );
  }
  const out = new Set(prompts.slice(0, count));
  const { kept = [], held = [] } = Object.groupBy(
    examples,
    (_, i) => out.has(keys[i]!) ? "held" : "kept",
  );
  return { kept, held };
}

function promptKey({ prompt }: Example): string {
  return sha256(canonicalJson([...prompt]));
}
