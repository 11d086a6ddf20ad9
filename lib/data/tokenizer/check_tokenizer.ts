/** Ten times the largest vocabulary in use. */
const MAX_ID = 1 << 22;
/** Ten times the longest expression in use. */
const MAX_PATTERN = 10_000;

/**
 * Checks a tokenizer.json from outside for values that take endless time or
 * memory. The library puts tokens into a list at their ids, so that one large id
 * fills the memory; and it runs regular expressions as they are.
 *
 * @throws Error that names the token and its id, or the expression.
 */
export function checkTokenizer(json: Readonly<Record<string, unknown>>): void {
  const { model, "added_tokens": added, ...steps } = json;
  checkPatterns(steps);
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

/** Checks regular expressions, wherever they are. */
function checkPatterns(value: unknown): void {
  for (const [key, part] of Object.entries(fieldsOf(value))) {
    if (key !== "Regex" || typeof part !== "string") checkPatterns(part);
    else if (part.length > MAX_PATTERN || hasRepeatedRepeats(part)) {
      const shown = JSON.stringify(part.slice(0, 100));
      throw new Error(
        `it has the regular expression ${shown}, expected none that repeats ` +
          `repetitions, which may hardly end, or is over ${MAX_PATTERN} long`,
      );
    }
  }
}

function checkId(id: unknown, location: string): void {
  const isId = Number.isSafeInteger(id) && Number(id) >= 0;
  if (isId && Number(id) <= MAX_ID) return;
  throw new Error(
    `${location} with id ${JSON.stringify(id)}, ` +
      `expected a whole number from 0 to ${MAX_ID}`,
  );
}

/** Tokens with their ids; none for Unigram, whose ids are indices of a list. */
function vocabularyOf(model: unknown): Readonly<Record<string, unknown>> {
  const { vocab } = fieldsOf(model);
  return Array.isArray(vocab) ? {} : fieldsOf(vocab);
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

/**
 * Whether a regular expression repeats without bound a part that itself repeats
 * without bound, `(a+)*`: on texts that almost match, its time doubles with each
 * character. No tokenizer needs that.
 */
export function hasRepeatedRepeats(pattern: string): boolean {
  /** For each open group: whether something in it repeats without bound. */
  const groups = [false];
  for (const { 0: part, index } of pattern.matchAll(PARTS)) {
    const repeats = UNBOUNDED.test(pattern.slice(index + part.length));
    if (part === "(") groups.push(false);
    else if (part === ")") {
      const inner = groups.pop() ?? false;
      if (inner && repeats) return true;
      groups.push((groups.pop() ?? false) || inner || repeats);
    } else if (repeats) groups.splice(-1, 1, true);
  }
  return false;
}

/** A part that may be repeated: a group's ends, a class, an escape, a character. */
const PARTS = /[()]|\[(?:\\.|[^\\\]])*\]|\\[pP]\{[^}]*\}|\\.|[^*+?{}]/gsu;
const UNBOUNDED = /^(?:[*+]|\{\d+,\})/;
