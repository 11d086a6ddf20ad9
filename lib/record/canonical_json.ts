/** A value of JSON. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/** Options for {@linkcode canonicalJson}. */
export interface CanonicalJsonOptions {
  /**
   * Spaces a level, 0 for one line.
   *
   * @default 0
   */
  indent?: number;
}

/**
 * Writes equal values as equal text: keys are sorted and numbers have their
 * shortest exact form, as in RFC 8785 (https://www.rfc-editor.org/rfc/rfc8785),
 * except that keys which are array indices come first, in numeric order.
 *
 * Members that are `undefined` are left out, as by `JSON.stringify`.
 *
 * @throws {TypeError} naming the location of anything else that JSON would drop
 * or change: NaN, infinities, bigints, functions, dates, maps, typed arrays.
 */
export function canonicalJson(
  value: unknown,
  { indent = 0 }: CanonicalJsonOptions = {},
): string {
  return JSON.stringify(sorted(value, ""), null, indent);
}

/** Sorts the keys of a value at the JSON pointer `path`. */
function sorted(value: unknown, path: string): Json {
  if (
    value === null || typeof value === "boolean" || typeof value === "string"
  ) {
    return value;
  }
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (Array.isArray(value)) {
    return value.map((item, i) => sorted(item, `${path}/${i}`));
  }
  if (isPlainObject(value)) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => a < b ? -1 : 1)
      .map(([key, member]) => [key, sorted(member, `${path}/${key}`)] as const);
    return Object.fromEntries(members);
  }
  throw new TypeError(
    `Cannot write ${path || "the value"} as JSON: found ${
      describe(value)
    }, expected null, a boolean, a finite number, a text, an array or a plain object`,
  );
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function describe(value: unknown): string {
  return typeof value === "object"
    ? `a ${value?.constructor.name}`
    : `${String(value)}`;
}
