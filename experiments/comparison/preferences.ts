import { type Example, hashExamples } from "lib/data/example.ts";
import { lengthLimit, loadExamples } from "lib/data/load.ts";
import type { Tokenizer } from "lib/data/tokenizer/tokenizer.ts";
import type { DecoderConfig } from "lib/models/config.ts";
import { canonicalJson } from "lib/record/canonical_json.ts";
import type { DataSource } from "lib/record/record.ts";
import { sha256 } from "lib/record/sha256.ts";
import { type DataInMemory, readingOptions } from "lib/run/inputs.ts";
import type { InputHooks } from "lib/run/models.ts";
import type { ComparisonSettings } from "./settings.ts";

/** Pairs to train on and pairs that no run trains on. */
export interface Preferences {
  readonly train: DataInMemory;
  readonly heldOut: readonly Example[];
  readonly heldOutSource: DataSource;
}

type Wanted = Pick<ComparisonSettings, "train" | "heldOut">;

/**
 * Reads the preferences of a comparison. Without data for evaluation a share of
 * the prompts is held out, with all their pairs.
 *
 * @throws Error for what cannot be read, for data other than pairs, and where
 * nothing is left to train or to evaluate on.
 */
export async function readPreferences(
  { train, heldOut }: Wanted,
  { tokenizer, config }: { tokenizer: Tokenizer | null; config: DecoderConfig },
  hooks: InputHooks = {},
): Promise<Preferences> {
  const read = async (place: string, role: string) => {
    const found = await loadExamples(place, {
      ...readingOptions(train),
      ...{ role, tokenizer },
      vocabularySize: config.vocabSize,
      maxLength: lengthLimit(train.maxLength, config),
      conversions: { ...train.conversions, seed: 0 },
    }, hooks);
    if (found.kind === "pairs") return found;
    throw new Error(
      `Cannot compare on ${place}: expected pairs of a chosen and a rejected answer, found ${found.kind}`,
    );
  };
  const all = await read(train.data, "train");
  const other = train.evalData === null
    ? null
    : await read(train.evalData, "eval");
  const whole = other
    ? { kept: all.examples, held: other.examples }
    : splitByPrompt(all.examples, heldOut.share);
  const { kept, held } = heldOut.isDev
    ? splitByPrompt(whole.kept, heldOut.share)
    : whole;
  return {
    train: dataOf(kept, all.description),
    heldOut: held.slice(0, heldOut.pairs),
    heldOutSource: described(
      held.slice(0, heldOut.pairs),
      other && !heldOut.isDev
        ? other.description
        : { ...all.description, role: "eval" },
    ),
  };
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

/**
 * Holds prompts out: those whose hash is least, so that neither their order nor
 * other rows decide.
 *
 * @throws Error where one of the two parts would be empty.
 */
export function splitByPrompt(
  examples: readonly Example[],
  share: number,
): { kept: Example[]; held: Example[] } {
  const byPrompt = Map.groupBy(
    examples,
    ({ prompt }) => sha256(canonicalJson([...prompt])),
  );
  const prompts = [...byPrompt.keys()].sort();
  const count = Math.max(1, Math.round(share * prompts.length));
  if (count >= prompts.length) {
    throw new Error(
      `Cannot hold out ${count} of ${prompts.length} prompts: expected others to train on`,
    );
  }
  const out = new Set(prompts.slice(0, count));
  const isHeld = ({ prompt }: Example) =>
    out.has(sha256(canonicalJson([...prompt])));
  const { kept = [], held = [] } = Object.groupBy(
    examples,
    (example) => isHeld(example) ? "held" : "kept",
  );
  return { kept, held };
}
