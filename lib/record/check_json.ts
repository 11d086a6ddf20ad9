import * as v from "valibot";
import { canonicalJson } from "./canonical_json.ts";

/** Kinds of values as Valibot calls them, in the words of our errors. */
const WORDS: ReadonlyMap<string | null, string> = new Map([
  ["string", "a text"],
  ["number", "a number"],
  ["boolean", "true or false"],
  ["Object", "an object"],
  ["Array", "a list"],
]);

/**
 * A value of JSON as a schema describes it, with the schema's defaults.
 *
 * @param action what cannot be done otherwise, such as `Cannot read run.json`.
 * @throws {Error} naming the place that is wrong, what is there and what was
 * expected, which is the message of the schema there.
 */
export function checkJson<const S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  action: string,
): v.InferOutput<S> {
  const result = v.safeParse(schema, value, {
    message: ({ expected }) => WORDS.get(expected) ?? `${expected}`,
  });
  if (result.success) return result.output;
  throw new Error(`${action}: ${explain(result.issues[0])}`);
}

function explain(
  { input, path, expected, message }: v.BaseIssue<unknown>,
): string {
  const isKey = path?.at(-1)?.origin === "key";
  const isUnknown = expected === "never";
  const keys = path?.map(({ key }) => key) ?? [];
  // The key is in question, not what it leads to.
  if (isKey && !isUnknown && input !== undefined) keys.pop();
  const place = keys.map((key) => `/${key}`).join("") || "the value";
  if (input === undefined) return `${place} is missing`;
  if (isUnknown) return `${place} is not known`;
  const found = canonicalJson(input).slice(0, 60);
  return `${place} is ${found}, expected ${message}`;
}
