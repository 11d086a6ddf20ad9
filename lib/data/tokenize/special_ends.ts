import type { TemplateInputs } from "../tokenizer/chat_template.ts";
import type { Example } from "../example.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";

/** Special tokens at the beginning and the end of a row's texts. */
export interface SpecialEnds {
  /** Whether the row lacks the ids that the tokenizer puts before every text. */
  readonly withoutBos: boolean;
  /** Whether the row begins with BOS twice. */
  readonly doubledBos: boolean;
  /** Completions whose scored tokens do not end in a terminator. */
  readonly unterminated: number;
  /** Completions with the same terminator twice in a row. */
  readonly doubledEos: number;
}

/**
 * Checks the ends of rows. Terminators are the tokenizer's EOS and the
 * special tokens that its chat template writes after an answer: `<|im_end|>`,
 * `<end_of_turn>` … White space may follow them.
 */
export class SpecialEndsChecker {
  /** Ids that end an answer; empty where none is known. */
  readonly terminators: ReadonlySet<number>;
  readonly #blank = new Map<number, boolean>();

  constructor(
    private readonly tokenizer: Tokenizer | null,
    inputs: TemplateInputs = {},
  ) {
    const eosId = tokenizer?.eosId ?? null;
    this.terminators = new Set([
      ...eosId === null ? [] : [eosId],
      ...tokenizer ? turnEnds(tokenizer, inputs) : [],
    ]);
  }

  read({ prompt, completions, lossMask }: Example): SpecialEnds {
    const { bosId = null, prefix = [] } = this.tokenizer ?? {};
    const known = this.terminators.size > 0;
    const said = completions.map((ids, k) =>
      lossMask ? ids.filter((_, i) => lossMask[k]?.[i]) : ids
    );
    const [first, second = completions[0]?.[0]] = prompt;
    return {
      withoutBos: prefix.some((id, i) => prompt[i] !== id),
      doubledBos: bosId !== null && first === bosId && second === bosId,
      unterminated: known
        ? said.filter((ids) => !this.#isEnded(ids)).length
        : 0,
      doubledEos: known
        ? completions.filter((ids) => this.#isDoubled(ids)).length
        : 0,
    };
  }

  #isEnded(ids: readonly number[]): boolean {
    const last = ids.findLast((id) =>
      this.terminators.has(id) || !this.#isBlank(id)
    );
    return last !== undefined && this.terminators.has(last);
  }

  #isDoubled(ids: readonly number[]): boolean {
    return ids.some((id, i) => {
      if (!this.terminators.has(id)) return false;
      let next = i + 1;
      while (ids[next] !== id && this.#isBlank(ids[next])) next++;
      return ids[next] === id;
    });
  }

  /** Whether an id is white space; `undefined` is past the end. */
  #isBlank(id: number | undefined): boolean {
    if (id === undefined || this.tokenizer === null) return false;
    const known = this.#blank.get(id) ??
      this.tokenizer.decode([id]).trim() === "";
    this.#blank.set(id, known);
    return known;
  }
}

/** Special tokens that the chat template writes after an answer. */
function turnEnds(tokenizer: Tokenizer, inputs: TemplateInputs): number[] {
  const answer = "An answer.";
  const turns = [
    { role: "user", content: "A question?" },
    { role: "assistant", content: answer },
  ];
  let text: string;
  try {
    const options = { ...inputs, addGenerationPrompt: false };
    text = tokenizer.chatTemplate?.render(turns, options) ?? "";
  } catch {
    return []; // It refuses such turns; each row says so by itself.
  }
  const end = text.slice(text.lastIndexOf(answer) + answer.length);
  if (end === text) return [];
  return tokenizer.encodeParts([end])[0]!.filter((id) =>
    tokenizer.decode([id], { skipSpecialTokens: true }) === "" &&
    tokenizer.decode([id]) !== ""
  );
}
