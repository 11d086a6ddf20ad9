/** Ten times the largest vocabulary in use. */
const MAX_ID = 1 << 22;

/**
 * Checks the ids in a tokenizer.json that somebody else wrote: the library puts
 * tokens into a list at their ids, which one large id fills the memory with.
 *
 * @throws Error that names the field, the token and its id.
 */
export function checkTokenizer(json: Readonly<Record<string, unknown>>): void {
  const { model, "added_tokens": added } = json;
  for (const [token, id] of Object.entries(vocabularyOf(model))) {
    checkId(id, `model.vocab has token ${JSON.stringify(token)}`);
  }
  if (!Array.isArray(added ?? [])) {
    throw new Error("added_tokens is not a list");
  }
  for (const token of added as unknown[] ?? []) {
    const { id, content } = fieldsOf(token);
    if (typeof content !== "string") {
      throw new Error("added_tokens has a token without content");
    }
    checkId(id, `added_tokens has ${JSON.stringify(content)}`);
  }
}

function checkId(id: unknown, where: string): void {
  const isId = Number.isSafeInteger(id) && Number(id) >= 0;
  if (isId && Number(id) <= MAX_ID) return;
  throw new Error(
    `${where} with id ${JSON.stringify(id)}, ` +
      `expected a whole number from 0 to ${MAX_ID}`,
  );
}

/** Tokens with their ids; Unigram's have the places in their list. */
function vocabularyOf(model: unknown): Readonly<Record<string, unknown>> {
  const { vocab } = fieldsOf(model);
  return Array.isArray(vocab) ? {} : fieldsOf(vocab);
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
