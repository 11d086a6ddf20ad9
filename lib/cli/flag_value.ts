import {
  expectation,
  type Flag,
  isAllowed,
  kebab,
  labelOf,
  type ToggleFlag,
} from "./flag.ts";
import type { GivenValue } from "./given_values.ts";

/** Returns `undefined` for a text that is no value of the flag. */
export function readValue(flag: Exclude<Flag, ToggleFlag>, actual: string) {
  const isNumber = flag.kind === "number" || flag.kind === "integer";
  const value = flag.kind === "parsed"
    ? flag.parse(actual)
    : isNumber
    ? readNumber(actual)
    : actual;
  return isAllowed(flag, value) ? value : undefined;
}

function readNumber(actual: string): number | undefined {
  // Number() alone would accept "", " 1" and "0x10" too.
  const isNumber = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(actual);
  return isNumber ? Number(actual) : undefined;
}

/**
 * Reads a value of JSON. A flag with a notation of its own takes that too, and
 * a list in place of commas.
 *
 * @returns `undefined` for one that is no value of the flag.
 */
export function readJsonValue(flag: Flag, actual: unknown): unknown {
  if (isAllowed(flag, actual)) return actual;
  const parts = [actual].flat();
  const isText = parts.length > 0 &&
    parts.every((part) =>
      ["string", "number", "boolean"].includes(typeof part)
    );
  return flag.kind === "parsed" && isText
    ? readValue(flag, parts.join(","))
    : undefined;
}

/**
 * The value of one flag; `undefined` if it is absent and may be.
 *
 * @throws {Error} where it is missing, or outside its declaration.
 */
export function valueOf(
  name: string,
  flag: Flag,
  given: GivenValue | undefined,
): unknown {
  if (given && "json" in given) {
    const value = readJsonValue(flag, given.json);
    if (value === undefined) throw unreadableIn(name, flag, given);
    return value;
  }
  if (flag.kind === "toggle") return given !== undefined;
  if (given === undefined) {
    if (!flag.required) return flag.default;
    throw new Error(`Missing flag ${labelOf(name, flag)}; see --help`);
  }
  const value = readValue(flag, given.text);
  if (value === undefined) throw unreadable(kebab(name), flag, given.text);
  return value;
}

function unreadableIn(
  name: string,
  flag: Flag,
  { path, json }: { path: string; json: unknown },
): Error {
  return new Error(
    `Cannot read ${name} in ${path}: found ${JSON.stringify(json)}, expected ${
      Array.isArray(json) && flag.kind !== "parsed" ? "one value: " : ""
    }${expectation(flag)}`,
  );
}

/** The error of a flag whose text is none of its values. */
export function unreadable(name: string, flag: Flag, actual: string): Error {
  const what = actual === "" ? "nothing" : `"${actual}"`;
  return new Error(
    `Cannot read --${name}: found ${what}, expected ${
      flag.kind === "toggle"
        ? "no value"
        : !isList(flag, actual)
        ? expectation(flag)
        : `one value: ${expectation(flag)}${
          flag.several ? `; ${flag.several}` : ""
        }`
    }`,
  );
}

/** Whether a text is several values of a flag that takes one. */
function isList(flag: Exclude<Flag, ToggleFlag>, actual: string): boolean {
  const parts = actual.split(",");
  return parts.length > 1 &&
    parts.every((part) => readValue(flag, part.trim()) !== undefined);
}
