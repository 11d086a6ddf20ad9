import { type Arguments, textIn, typeOf, type Value } from "./values.ts";

/** The arguments of a call without any. */
export const NONE: Arguments = { positional: [], named: new Map() };

/**
 * Arguments in the order of their names; undefined for those that are left out.
 *
 * @throws TypeError for more arguments, and others.
 */
export function bind(
  { positional, named }: Arguments,
  names: readonly string[],
): (Value | undefined)[] {
  if (positional.length > names.length) {
    throw new TypeError(
      `expected no more than ${names.length} arguments, got ${positional.length}`,
    );
  }
  for (const name of named.keys()) {
    const i = names.indexOf(name);
    if (i >= positional.length) continue;
    throw new TypeError(`unexpected keyword argument '${name}'`);
  }
  return names.map((name, i) =>
    i < positional.length ? positional[i] : named.get(name)
  );
}

/** @throws TypeError for a value that is not text. */
export function asText(value: Value | undefined): string {
  const text = value === undefined ? null : textIn(value);
  if (text !== null) return text;
  throw new TypeError(
    value === undefined
      ? "an argument is missing, expected text"
      : `expected text, got a value of type ${typeOf(value)}`,
  );
}

/** @throws TypeError for a value that is not a whole number. */
export function asInteger(value: Value): number {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return Number(value);
  throw new TypeError(
    `expected a whole number, got a value of type ${typeOf(value)}`,
  );
}
