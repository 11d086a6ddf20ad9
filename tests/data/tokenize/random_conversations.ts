import type { Part } from "lib/data/tokenize/left_out.ts";
import type { Rng } from "lib/rng.ts";
import type { Model } from "../fixture_models.ts";

/** A word that stands in one place of a row alone. */
export interface Word {
  readonly text: string;
  readonly part: Part;
  /** Index of the completion in which it stands; null in the prompt. */
  readonly completion: number | null;
}

type Fields = Record<string, unknown>;

/** Share of random conversations that each template allows, at the least. */
export const ALLOWED: Readonly<Record<Model, number>> = {
  "chatml": 0.75,
  "gemma_2": 0.15,
  "gemma_3": 0.35,
  "llama_3": 0.75,
  "llama_3_1": 1,
  "llama_3_2": 1,
  "mistral_v0_3": 0.35,
  "phi_3": 0.75,
  "qwen_2_5": 1,
  "qwen_3": 0.8,
  "zephyr": 0.75,
};

/**
 * A row of conversations, as a data file has it, and all that it says.
 *
 * @param written texts that stand around its words too, or instead of a content.
 * @default none
 */
export function randomConversations(
  rng: Rng,
  written: readonly string[] = [],
): { fields: Fields; words: Word[] } {
  const row = new Row(rng, written);
  const fields = row.fields();
  return { fields, words: row.words };
}

/** Texts around a word, which templates and JSON stumble on. */
const AROUND = [
  "",
  " ",
  "\n",
  "\n\n",
  "é ",
  '"',
  "\\",
  "🙂",
  "<b>",
  "it's ",
  "{",
  "| ",
  "1. ",
];

const CALL_ID = "abcdefghi";

class Row {
  readonly words: Word[] = [];

  readonly #around: readonly string[];

  constructor(
    private readonly rng: Rng,
    private readonly written: readonly string[],
  ) {
    this.#around = [...AROUND, ...written];
  }

  fields(): Fields {
    const { rng } = this;
    const asked = 1 + rng.integer(2);
    const system = this.#often(1 / 3)
      ? [{ role: "system", content: this.#text("systemDropped") }]
      : [];
    const earlier = Array.from({ length: asked - 1 }, () => [
      this.#user(),
      ...this.#answers(null),
    ]).flat();
    const prompt = [...system, ...earlier, this.#user()];
    const [chosen, rejected] = [0, 1].map((k) => this.#answers(k));
    return {
      prompt,
      chosen,
      rejected,
      ...this.#often(1 / 3) && { tools: [this.#tool(), this.#tool()] },
    };
  }

  #user(): Fields {
    return { role: "user", content: this.#text("turnsDropped") };
  }

  /** An answer, or calls of tools with their results and an answer. */
  #answers(completion: number | null): Fields[] {
    const answer = () => this.#answer(completion, false);
    const kind = this.rng.integer(4);
    if (kind > 1) return [answer()];
    const call = this.#answer(completion, true);
    if (kind === 0) return [call];
    const content = this.#text("turnsDropped", completion);
    const result = { role: "tool", content, ["tool_call_id"]: CALL_ID };
    return [call, result, answer()];
  }

  #answer(completion: number | null, calls: boolean): Fields {
    const part = completion === null ? "turnsDropped" : "answersDropped";
    const thought = completion === null
      ? "earlierThoughtsDropped"
      : "thoughtsDropped";
    const kind = this.rng.integer(6);
    const text = calls && this.#often(1 / 2)
      ? null
      : this.#text(part, completion);
    const content = kind === 0 && text !== null
      ? `<think>\n${this.#text(thought, completion)}\n</think>\n\n${text}`
      : text;
    const field = ["reasoning_content", "thinking", "reasoning"][kind - 1];
    return {
      role: "assistant",
      content,
      ...field && { [field]: this.#text(thought, completion) },
      ...this.#often(1 / 4) && { name: null, refusal: null },
      ...calls
        ? { tool_calls: [this.#call(completion)] }
        : this.#often(1 / 8) && { tool_calls: [] },
    };
  }

  #call(completion: number | null): Fields {
    const word = () => this.#word("callsDropped", completion);
    const said = {
      [word()]: this.#text("callsDropped", completion),
      [word()]: [1.5, true, null, { [word()]: word() }],
    };
    const called = {
      name: word(),
      arguments: this.#often(1 / 2) ? JSON.stringify(said) : said,
    };
    return this.#often(1 / 4)
      ? called
      : { id: CALL_ID, type: "function", function: called };
  }

  #tool(): Fields {
    const word = () => this.#word("toolsDropped");
    const [first, second] = [word(), word()];
    const parameters = {
      type: "object",
      properties: {
        [first]: { type: "string", description: this.#text("toolsDropped") },
        [second]: { type: "string", enum: [word(), word()] },
      },
      required: [first],
    };
    const defined = { name: word(), description: word(), parameters };
    return this.#often(1 / 4)
      ? defined
      : { type: "function", function: defined };
  }

  /** Some lines, with a word in each. */
  #text(part: Part, completion: number | null = null): string {
    const { rng, written } = this;
    if (written.length > 0 && this.#often(1 / 8)) {
      return written[rng.integer(written.length)]!;
    }
    const around = this.#around;
    const pick = () => around[rng.integer(around.length)]!;
    return Array.from(
      { length: 1 + rng.integer(2) },
      () => pick() + this.#word(part, completion) + pick(),
    ).join(rng.integer(2) === 0 ? "\n" : "\n\n");
  }

  #word(part: Part, completion: number | null = null): string {
    const text = `w${this.words.length}x`;
    this.words.push({ text, part, completion });
    return text;
  }

  #often(share: number): boolean {
    return this.rng.uniform() < share;
  }
}
