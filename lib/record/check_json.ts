import * as v from "valibot";
import { isObject } from "../files/values.ts";
import { canonicalJson, type Json } from "./canonical_json.ts";

/** A text that is no absolute path, since records are published. */
export const TEXT = v.pipe(
  v.string(),
  v.regex(
    /^(?!$|\/|~\/|\\\\|[A-Za-z]:[\\/]|file:)/,
    "a text that is no absolute path, since records are published",
  ),
);

/** A value of JSON in which no text and no key is an absolute path. */
export const JSON_VALUE: v.GenericSchema<Json> = v.lazy((value) => {
  if (Array.isArray(value)) return v.array(JSON_VALUE);
  if (isObject(value)) return JSON_OBJECT;
  if (value === "") return v.string();
  return typeof value === "string"
    ? TEXT
    : v.union([v.null(), v.boolean(), v.number()]);
});

export const JSON_OBJECT = v.record(TEXT, JSON_VALUE);

/** A whole number of at least 0. */
export const COUNT = v.pipe(
  v.number(),
  v.check(
    (x) => Number.isInteger(x) && x >= 0,
    "a whole number of at least 0",
  ),
);

export const SHA256 = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{64}$/, "a SHA-256 in lowercase hexadecimal"),
);

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
