import { joined, repr, textOf } from "./text.ts";
import {
  type Arguments,
  defined,
  Markup,
  numberIn,
  Sequence,
  typeOf,
  type Value,
} from "./values.ts";

/**
 * `text % values`, without widths.
 * https://docs.python.org/3/library/stdtypes.html#printf-style-string-formatting
 */
export function formatPercent(format: Value, values: Value): string {
  if (format instanceof Markup) {
    throw new TypeError("cannot format text that is marked as safe");
  }
  const text = textOf(format);
  const isTuple = values instanceof Sequence && values.kind === "tuple";
  const rest = isTuple ? [...values.items] : [values];
  const result = parts(text, /%(%|(?:\.\d)?[a-z])?/g, (code = "") => {
    if (code === "%") return "%";
    const value = rest.shift();
    if (value === undefined) {
      throw new TypeError("not enough arguments for format string");
    }
    if (code === "s") return textOf(value);
    if (code === "r") return repr(value);
    const number = numberIn(defined(value));
    if (number === null) {
      throw new TypeError(`%${code} format: a number is required`);
    }
    if (code === "d" || code === "i") return repr(Math.trunc(number));
    throw new TypeError(`cannot write the format %${code}, expected %s or %d`);
  });
  if (rest.length > 0 && (isTuple || typeOf(values) !== "dict")) {
    throw new TypeError("not all arguments converted during string formatting");
  }
  return result;
}

/**
 * `text.format(…)`, without format specifications.
 * https://docs.python.org/3/library/string.html#format-string-syntax
 */
export function formatBraces(
  text: string,
  { positional, named }: Arguments,
): string {
  let next = 0;
  return parts(
    text,
    /\{\{|\}\}|\{(\w*)(![rs])?\}|[{}]/g,
    (name, conversion, whole) => {
      if (whole === "{{" || whole === "}}") return whole[0]!;
      if (name === undefined) {
        throw new TypeError(`cannot read the format ${JSON.stringify(text)}`);
      }
      const key = name === "" ? String(next++) : name;
      const value = /^\d+$/.test(key)
        ? positional[Number(key)]
        : named.get(key);
      if (value === undefined) {
        throw new RangeError(`no argument ${key} for format string`);
      }
      return conversion === "!r" ? repr(value) : textOf(value);
    },
  );
}

function parts(
  text: string,
  pattern: RegExp,
  write: (
    first: string | undefined,
    second: string | undefined,
    whole: string,
  ) => string,
): string {
  const written: string[] = [];
  let end = 0;
  for (
    const { 0: whole, 1: first, 2: second, index } of text.matchAll(pattern)
  ) {
    written.push(text.slice(end, index), write(first, second, whole));
    end = index + whole.length;
  }
  return joined([...written, text.slice(end)]);
}
