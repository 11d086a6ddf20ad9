import { isMarked } from "../added_tokens.ts";
import {
  bounded,
  Dict,
  Float,
  type Key,
  Markup,
  Sequence,
  typeOf,
  Undefined,
  type Value,
} from "./values.ts";

/** Texts put together. @throws RangeError where the text grows too long. */
export function joined(parts: readonly string[], separator = ""): string {
  const between = Math.max(0, parts.length - 1) * separator.length;
  bounded(parts.reduce((sum, part) => sum + part.length, between));
  return parts.join(separator);
}

/**
 * The text of a value wherever it becomes one: `str(value)`, but an error where
 * Python writes an address.
 */
export function textOf(value: Value): string {
  if (typeof value === "string") return value;
  if (value instanceof Markup) return value.text;
  return value instanceof Undefined ? "" : repr(value);
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "'": "&#39;",
  '"': "&#34;",
};

/** The text of a value in HTML. */
export function escaped(value: Value): string {
  if (value instanceof Markup) return value.text;
  return textOf(value).replace(/[&<>'"]/g, (sign) => ENTITIES[sign]!);
}

/** https://docs.python.org/3/library/functions.html#repr */
export function repr(value: Value): string {
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value === "number") return integerText(value);
  if (typeof value === "string") return reprOfText(value);
  if (value instanceof Float) return floatText(value.value);
  if (value instanceof Undefined) return "Undefined";
  if (value instanceof Dict) {
    const parts = value.entries().map(([key, item]) =>
      `${repr(key)}: ${repr(item)}`
    );
    return `{${joined(parts, ", ")}}`;
  }
  if (value instanceof Sequence) {
    const items = () => joined(value.items.map(repr), ", ");
    if (value.kind === "list") return `[${items()}]`;
    if (value.kind === "tuple") {
      return `(${items()}${value.items.length === 1 ? "," : ""})`;
    }
  }
  throw new TypeError(`cannot write a value of type ${typeOf(value)} as text`);
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/** Characters that Python escapes, apart from quotes. */
const ESCAPED = /\\|(?! )[\p{C}\p{Z}]/gu;

function reprOfText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(ESCAPED, (character) => {
    if (isMarked(character)) return character;
    return ESCAPES[character] ?? codeOf(character.codePointAt(0)!);
  });
  return quote + (quote === '"' ? escaped : escaped.replaceAll("'", "\\'")) +
    quote;
}

function codeOf(point: number): string {
  const hex = point.toString(16);
  if (point < 0x100) return `\\x${hex.padStart(2, "0")}`;
  return point < 0x10000
    ? `\\u${hex.padStart(4, "0")}`
    : `\\U${hex.padStart(8, "0")}`;
}

function integerText(x: number): string {
  if (Number.isSafeInteger(x)) return String(x);
  throw new RangeError(`cannot tell the digits of a number as large as ${x}`);
}

/** Python has an exponent below 1e-4 and from 1e16 on, of two digits or more. */
function floatText(x: number): string {
  if (!Number.isFinite(x)) return String(x).replace("Infinity", "inf");
  const size = Math.abs(x);
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) {
    return x.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
  }
  const text = Object.is(x, -0) ? "-0" : String(x);
  return Number.isInteger(x) ? `${text}.0` : text;
}

/** Options of the filter `tojson`. */
export interface JsonOptions {
  readonly ensureAscii: boolean;
  /** What a level is indented by; null for one line. */
  readonly indent: string | null;
  readonly separators: readonly [string, string];
  readonly sortKeys: boolean;
}

/** https://docs.python.org/3/library/json.html#json.dumps */
export function jsonOf(
  value: Value,
  options: JsonOptions,
  padding = "\n",
): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") return integerText(value);
  if (value instanceof Float) return jsonOfFloat(value.value);
  if (typeof value === "string") return jsonOfText(value, options);
  if (value instanceof Markup) return jsonOfText(value.text, options);
  const deeper = padding + (options.indent ?? "");
  const [itemSeparator, keySeparator] = options.separators;
  const around = (parts: string[], [open, close]: string) => {
    if (parts.length === 0) return `${open}${close}`;
    if (options.indent === null) {
      return `${open}${joined(parts, itemSeparator)}${close}`;
    }
    const lines = joined(parts, itemSeparator + deeper);
    return `${open}${deeper}${lines}${padding}${close}`;
  };
  if (value instanceof Dict) {
    const entries = value.entries();
    if (options.sortKeys) entries.sort(([a], [b]) => orderOfKeys(a, b));
    const parts = entries.map(([key, item]) =>
      jsonOfText(String(key), options) + keySeparator +
      jsonOf(item, options, deeper)
    );
    return around(parts, "{}");
  }
  if (
    value instanceof Sequence &&
    (value.kind === "list" || value.kind === "tuple")
  ) {
    return around(
      value.items.map((item) => jsonOf(item, options, deeper)),
      "[]",
    );
  }
  throw new TypeError(
    value instanceof Undefined
      ? "cannot write an undefined value as JSON"
      : `cannot write a value of type ${typeOf(value)} as JSON`,
  );
}

function jsonOfFloat(x: number): string {
  if (Number.isNaN(x)) return "NaN";
  return Number.isFinite(x) ? floatText(x) : String(x);
}

function jsonOfText(text: string, { ensureAscii }: JsonOptions): string {
  const json = JSON.stringify(text);
  return ensureAscii
    ? json.replace(
      /[^ -~]/g,
      (unit) =>
        isMarked(unit)
          ? unit
          : `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
    )
    : json;
}

function orderOfKeys(a: Key, b: Key): number {
  if (typeof a !== typeof b) {
    throw new TypeError("'<' not supported between instances of keys");
  }
  return a < b ? -1 : a > b ? 1 : 0;
}
