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

/** Valibot's names of types, in the words of our errors. */
const WORDS: ReadonlyMap<string | null, string> = new Map([
  ["string", "a text"],
  ["number", "a number"],
  ["boolean", "true or false"],
  ["Object", "an object"],
  ["Array", "a list"],
]);

/**
 * Checks a value of JSON by a schema, and fills in the schema's defaults.
 *
 * @param action beginning of the error, such as `Cannot read run.json`.
 * @throws {Error} naming the location that is wrong, the value there and the
 * expected one, which is the message of the schema.
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
  // The key itself is wrong, not its value.
  if (isKey && !isUnknown && input !== undefined) keys.pop();
  const location = keys.map((key) => `/${key}`).join("") || "the value";
  if (input === undefined) return `${location} is missing`;
  if (isUnknown) return `${location} is not known`;
  const found = canonicalJson(input).slice(0, 60);
  return `${location} is ${found}, expected ${message}`;
}
