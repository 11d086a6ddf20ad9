import * as huggingface from "@huggingface/tokenizers";
import {
  type AddedToken,
  addedTokenSplitter,
  isMarked,
  type Section,
  unmarked,
} from "./added_tokens.ts";
import {
  isByteMap,
  type Merging,
  preTokenizerSteps,
  spacedWords,
  type Step,
  withoutPrefix,
} from "./pre_tokenizer.ts";

/** The parts of tokenizer.json that decide how text becomes ids. */
export interface EncoderOptions {
  readonly model: huggingface.Model;
  readonly addedTokens: readonly AddedToken[];
  readonly normalizer: Step | null;
  readonly preTokenizer: Step | null;
  readonly merging: Merging;
}

/** Functions that turn text into words. */
interface Stage {
  normalize(text: string): string;
  words(normalized: string): readonly string[];
}

/** Position of a text: at the start, after an added token, or after text. */
type Place = "start" | "token" | "text";

/** Words whose ids are remembered at a time. */
const MOST_WORDS = 100_000;

/** Longer words, in characters, are seldom met again. */
const LONGEST_WORD = 64;

/**
 * Turns text into ids as the original library does, on the steps of its
 * JavaScript port. It adds to the port: it remembers the ids of words, can go on
 * in the middle of a text, knows Unicode's white space, and takes marked special
 * tokens for text.
 */
export class TextToIds {
  readonly #split: (text: string) => Section[];
  readonly #splitNormalized: (text: string) => Section[];
  readonly #stages: Record<Place, Stage>;
  readonly #model: huggingface.Model;
  /** Turns a word into the units that the model knows. */
  readonly #bytes: Stage;
  readonly #known = new Map<string, readonly number[]>();
  /** First part of the text that was encoded last, as prompts come again. */
  #first: { text: string; ids: readonly number[]; place: Place } | undefined;

  constructor(
    { model, addedTokens, normalizer, preTokenizer, merging }: EncoderOptions,
  ) {
    const steps = preTokenizerSteps(preTokenizer);
    const last = steps.slice(-1).filter(isByteMap);
    const before = [
      ...steps.slice(0, steps.length - last.length),
      ...spacedWords(merging),
    ];
    const bare = {
      normalizer: normalizer && withoutPrefix(normalizer),
      steps: before.flatMap((step) => withoutPrefix(step) ?? []),
    };
    this.#model = model;
    this.#bytes = stage({ normalizer: null, steps: last }, 0);
    this.#stages = {
      start: stage({ normalizer, steps: before }, 0),
      token: stage({ normalizer, steps: before }, 1),
      text: stage(bare, 1),
    };
    const isNormalized = ({ normalized, special }: AddedToken) =>
      normalizer !== null && (normalized ?? special !== true);
    const { normalize } = this.#stages.start;
    this.#split = addedTokenSplitter(
      addedTokens.filter((token) => !isNormalized(token)),
    );
    this.#splitNormalized = addedTokenSplitter(
      addedTokens.filter(isNormalized).map((token) => ({
        ...token,
        content: normalize(token.content),
      })),
    );
  }

  /** Ids of each part of a text, none of them joined with the one before. */
  encodeParts(parts: readonly string[]): number[][] {
    const [text = "", ...rest] = parts;
    if (this.#first?.text !== text) {
      this.#first = { text, ...this.#encode(text, "start") };
    }
    let { place } = this.#first;
    const all = [[...this.#first.ids]];
    for (const part of rest) {
      const encoded = this.#encode(part, place);
      all.push(encoded.ids);
      place = encoded.place;
    }
    return all;
  }

  #encode(text: string, place: Place): { ids: number[]; place: Place } {
    const ids: number[] = [];
    for (const section of this.#split(text)) {
      if ("id" in section) {
        ids.push(section.id);
        place = "token";
      } else {
        this.#addSection(ids, section.text, this.#stages[place]);
        place = "text";
      }
    }
    return { ids, place };
  }

  #addSection(ids: number[], text: string, stage: Stage): void {
    const marked = isMarked(text);
    const normalized = stage.normalize(marked ? unmarked(text) : text);
    const sections = marked
      ? [{ text: normalized }]
      : this.#splitNormalized(normalized);
    for (const section of sections) {
      if ("id" in section) ids.push(section.id);
      else {
        for (const word of stage.words(section.text)) {
          for (const id of this.#idsOf(word)) ids.push(id);
        }
      }
    }
  }

  #idsOf(word: string): readonly number[] {
    const known = this.#known.get(word);
    if (known) return known;
    const { tokens_to_ids: ids, unk_token_id: unknown } = this.#model;
    const found = this.#model([...this.#bytes.words(word)]).map((token) => {
      const id = ids.get(token) ?? unknown;
      if (Number.isInteger(id)) return id!;
      throw new RangeError(
        `Cannot encode ${JSON.stringify(word)}: tokenizer.json has no token ` +
          `${JSON.stringify(token)}, and none for what is unknown`,
      );
    });
    if (this.#known.size >= MOST_WORDS) this.#known.clear();
    if (word.length <= LONGEST_WORD) this.#known.set(word, found);
    return found;
  }
}

/** @param section_index 0 for a text's first section, which may get a space. */
function stage(
  { normalizer, steps }: { normalizer: Step | null; steps: readonly Step[] },
  section: number,
): Stage {
  const { normalizer: normalize, pre_tokenizer: split } = new huggingface
    .Tokenizer({
    "added_tokens": [],
    normalizer,
    "pre_tokenizer": steps.length > 0
      ? { type: "Sequence", pretokenizers: steps }
      : null,
    model: { type: "BPE", vocab: {}, merges: [] },
    "post_processor": null,
    decoder: null,
  }, {});
  const options = { "section_index": section };
  return {
    normalize: (text) => normalize ? normalize(text) : text,
    words: (text) => split ? split(text, options) : [text],
  };
}
