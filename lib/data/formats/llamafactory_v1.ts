import { type SourceRow, valueError } from "../containers/reading.ts";
import { type Format, format } from "./format.ts";
import { messages } from "./column_types.ts";
import { chatOfTwo, readTurns, type Turns } from "./turns.ts";

/**
 * LLaMA-Factory's newer layout of pairs: two conversations, in which each
 * message may have a `loss_weight`.
 */
export const llamafactoryV1: Format = format({
  name: "llamafactory-v1",
  kind: "pairs",
  columns: { chosen_messages: messages, rejected_messages: messages },
  read(row) {
    const weighted = [
      readTurns(row, "chosen_messages"),
      readTurns(row, "rejected_messages"),
    ] as const;
    const [chosen, rejected] = weighted;
    const plain = [withoutWeights(chosen), withoutWeights(rejected)] as const;
    const reading = chatOfTwo(row, plain);
    const shared = reading.prompt.length;
    for (const conversation of weighted) {
      checkWeights(row, { ...conversation, shared });
    }
    return reading;
  },
});

function withoutWeights({ field, messages }: Turns): Turns {
  const plain = messages.map(({ loss_weight: _, role, content, ...rest }) => ({
    ...rest,
    role,
    content,
  }));
  return { field, messages: plain };
}

/** A completion's answers are scored as they are, and nothing else. */
function checkWeights(
  row: SourceRow,
  { field, messages, shared }: Turns & { shared: number },
): void {
  for (const [i, { role, loss_weight: actual }] of messages.entries()) {
    const expected = role === "assistant" ? 1 : 0;
    if (i < shared || actual === undefined || actual === expected) continue;
    throw valueError(row, {
      field: `${field}[${i}].loss_weight`,
      actual,
      expected: `${expected} for the role ${role}`,
    });
  }
}
