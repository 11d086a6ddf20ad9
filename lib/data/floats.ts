import "../files/json_source.ts";
import { isObject } from "../files/values.ts";

/** Keys of what a chat template writes as JSON: `1.0` there is not `1`. */
const KEPT = ["arguments", "parameters", "tools"];

/** A whole number with a point or an exponent; texts may have it, too. */
const FLOAT = /\d(\.0+(?!\d)|\.?\d{0,40}[eE])/;

/**
 * Parses JSON. Whole numbers that are written as Python writes floats, `1.0`, are
 * objects of `Number` in definitions and arguments of tools; elsewhere they are
 * numbers like others.
 *
 * @param isTool whether the JSON is such a definition or argument itself.
 * @throws SyntaxError
 */
export function parseWithFloats(text: string, isTool = false): unknown {
  if (!FLOAT.test(text)) return JSON.parse(text);
  return toolFloats(JSON.parse(text, marked), isTool);
}

function marked(
  _key: string,
  value: unknown,
  { source }: { source?: string } = {},
): unknown {
  const isFloat = typeof value === "number" && Number.isInteger(value) &&
    source !== undefined && /[.eE]/.test(source);
  return isFloat ? Object(value) : value;
}

/** A value whose objects of `Number` are plain numbers, except within tools. */
export function toolFloats(value: unknown, isKept = false): unknown {
  if (value instanceof Number) return isKept ? value : Number(value);
  if (Array.isArray(value)) {
    return value.map((item) => toolFloats(item, isKept));
  }
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      toolFloats(item, isKept || KEPT.includes(key)),
    ]),
  );
}

/** JSON of a value, with a point or an exponent in each of its floats. */
export function stringifyWithFloats(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, item) =>
      item instanceof Number ? JSON.rawJSON(floatText(Number(item))) : item,
  );
}

function floatText(x: number): string {
  if (Math.abs(x) >= 1e16) return x.toExponential();
  return `${Object.is(x, -0) ? "-0" : x}.0`;
}
