import { asInteger, asText, bind } from "./arguments.ts";
import { formatPercent } from "./format.ts";
import {
  type Filter,
  getter,
  itemsIn,
  iterator,
  LIST_FILTERS,
} from "./list_filters.ts";
import { escaped, joined, jsonOf, textOf } from "./text.ts";
import { capitalize, replace, splitLines, strip } from "./text_methods.ts";
import {
  type Arguments,
  bounded,
  defined,
  Float,
  isTrue,
  iterate,
  lengthOf,
  Markup,
  numberIn,
  Sequence,
  textIn,
  typeOf,
  Undefined,
  type Value,
} from "./values.ts";

/** Filters of Jinja, and `tojson` as transformers has it. */
export const FILTERS: Readonly<Record<string, Filter>> = {
  ...LIST_FILTERS,
  abs: (value) => {
    const number = numberIn(defined(value));
    if (number === null) {
      throw new TypeError(`bad operand type for abs(): '${typeOf(value)}'`);
    }
    const size = Math.abs(number);
    return value instanceof Float ? new Float(size) : size;
  },
  capitalize: ofText(capitalize),
  count: lengthOf,
  d: orDefault,
  default: orDefault,
  e: (value) => new Markup(escaped(value)),
  escape: (value) => new Markup(escaped(value)),
  float: (value, args) => {
    const [fallback = new Float(0)] = bind(args, ["default"]);
    const number = parsed(value);
    return number === null ? fallback : new Float(number);
  },
  format: (value, { positional }) =>
    formatPercent(value, new Sequence(positional, "tuple")),
  indent: indented,
  int: (value, args) => {
    const [fallback = 0] = bind(args, ["default"]);
    const number = parsed(value);
    if (number === null) return fallback;
    const whole = Math.trunc(number);
    if (Number.isSafeInteger(whole)) return whole;
    throw new RangeError(
      `cannot tell the digits of a number as large as ${number}`,
    );
  },
  length: lengthOf,
  lower: ofText((text) => text.toLowerCase()),
  map: (value, args) => {
    const { positional: [name, ...rest], named } = args;
    if (name === undefined) {
      const [attribute, fallback] = bind(args, ["attribute", "default"]);
      if (attribute === undefined) {
        throw new TypeError("map requires a filter argument");
      }
      return iterator(itemsIn(value).map(getter(attribute, fallback)));
    }
    const inner = { positional: rest, named };
    return iterator(
      itemsIn(value).map((item) => filter(asText(name), item, inner)),
    );
  },
  replace: (value, args) => {
    const [old, by, count = null] = bind(args, ["old", "new", "count"]);
    const most = count === null ? -1 : asInteger(count);
    return replace(textOf(value), asText(old), asText(by), most);
  },
  safe: (value) => new Markup(textOf(value)),
  string: (value) => value instanceof Markup ? value : textOf(value),
  title: ofText((text) => text.split(/([-\s({[<]+)/u).map(capitalize).join("")),
  tojson: (value, args) => {
    const names = ["ensure_ascii", "indent", "separators", "sort_keys"];
    const [ensureAscii = false, indent = null, separators = null, sortKeys] =
      bind(args, names);
    return jsonOf(value, {
      ensureAscii: isTrue(ensureAscii),
      indent: indent === null ? null : indentOf(indent),
      separators: separators === null
        ? [indent === null ? ", " : ",", ": "]
        : separatorsOf(separators),
      sortKeys: isTrue(sortKeys ?? false),
    });
  },
  trim: (value, args) => {
    const [characters = null] = bind(args, ["chars"]);
    const chars = characters === null ? null : asText(characters);
    return strip(textOf(value), "both", chars);
  },
  upper: ofText((text) => text.toUpperCase()),
};

/** Filters that leave text marked as safe. */
const KEEP_MARKUP = /^(capitalize|indent|lower|reverse|trim|upper)$/;

/** @throws Error for a filter that is not there. */
export function filter(name: string, value: Value, args: Arguments): Value {
  if (!Object.hasOwn(FILTERS, name)) {
    throw new Error(`no filter named '${name}'`);
  }
  const result = FILTERS[name]!(value, args);
  const isMarkup = value instanceof Markup && KEEP_MARKUP.test(name);
  return isMarkup ? new Markup(asText(result)) : result;
}

function ofText(write: (text: string) => string): Filter {
  return (value, args) => {
    bind(args, []);
    return write(textOf(value));
  };
}

function orDefault(value: Value, args: Arguments): Value {
  const [fallback = "", boolean = false] = bind(args, [
    "default_value",
    "boolean",
  ]);
  const isMissing = value instanceof Undefined ||
    isTrue(boolean) && !isTrue(value);
  return isMissing ? fallback : value;
}

const NUMBER = /^[+-]?(\d+(_\d+)*\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** The number that `float(value)` reads; null where it reads none. */
function parsed(value: Value): number | null {
  const text = textIn(value);
  if (text === null) return numberIn(defined(value));
  const trimmed = strip(text, "both");
  if (/^[+-]?(inf(inity)?|nan)$/i.test(trimmed)) {
    throw new RangeError(`cannot use the number ${trimmed}`);
  }
  return NUMBER.test(trimmed) ? Number(trimmed.replaceAll("_", "")) : null;
}

function indented(value: Value, args: Arguments): Value {
  const [width = 4, first = false, blank = false] = bind(args, [
    "width",
    "first",
    "blank",
  ]);
  const by = typeof width === "string" ? width : spaces(asInteger(width));
  const [head = "", ...lines] = splitLines(`${asText(value)}\n`);
  const rest = lines.map((line) =>
    isTrue(blank) || line !== "" ? by + line : line
  );
  bounded(rest.length * by.length);
  return (isTrue(first) ? by : "") + joined([head, ...rest], "\n");
}

function spaces(count: number): string {
  bounded(count);
  return " ".repeat(Math.max(0, count));
}

function indentOf(indent: Value): string {
  return textIn(indent) ?? spaces(asInteger(indent));
}

function separatorsOf(separators: Value): [string, string] {
  const [item, key, ...more] = iterate(separators).map(asText);
  if (key !== undefined && more.length === 0) return [item!, key];
  throw new TypeError("expected two separators");
}
