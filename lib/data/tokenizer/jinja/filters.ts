import { asInteger, asText, bind } from "./arguments.ts";
import { formatPercent } from "./format.ts";
import { itemOf } from "./members.ts";
import { OPERATORS } from "./operators.ts";
import { escaped, joined, jsonOf, textOf } from "./text.ts";
import { TESTS } from "./tests.ts";
import { capitalize, replace, splitLines, strip } from "./text_methods.ts";
import {
  type Arguments,
  bounded,
  compare,
  defined,
  Dict,
  equals,
  Float,
  isTrue,
  iterate,
  lengthOf,
  Markup,
  numberIn,
  present,
  Sequence,
  textIn,
  typeOf,
  Undefined,
  type Value,
} from "./values.ts";

type Filter = (value: Value, args: Arguments) => Value;

/** Filters of Jinja, and `tojson` as transformers has it. */
export const FILTERS: Readonly<Record<string, Filter>> = {
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
  dictsort: sortedDict,
  e: (value) => new Markup(escaped(value)),
  escape: (value) => new Markup(escaped(value)),
  first: (value) => present(iterate(value)[0], "the first item"),
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
  items: (value) => {
    if (value instanceof Undefined) return new Sequence([], "iterator");
    if (value instanceof Dict) {
      return iterator(
        value.entries().map((pair) => new Sequence(pair, "tuple")),
      );
    }
    throw new TypeError("can only get item pairs from a mapping");
  },
  join: (value, args) => {
    const [separator = "", attribute] = bind(args, ["d", "attribute"]);
    const items = iterate(value).map(getter(attribute));
    return joined(items.map(textOf), textOf(separator));
  },
  last: (value) => present(reversed(value)[0], "the last item"),
  length: lengthOf,
  list: (value) => new Sequence(iterate(value)),
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
  max: (value, args) => extreme(value, args, 1),
  min: (value, args) => extreme(value, args, -1),
  reject: (value, args) => selected(value, args, false),
  rejectattr: (value, args) => selectedByAttribute(value, args, false),
  replace: (value, args) => {
    const [old, by, count = null] = bind(args, ["old", "new", "count"]);
    const most = count === null ? -1 : asInteger(count);
    return replace(textOf(value), asText(old), asText(by), most);
  },
  reverse: (value) => {
    const text = textIn(value);
    return text === null
      ? iterator(reversed(value))
      : [...text].reverse().join("");
  },
  safe: (value) => new Markup(textOf(value)),
  select: (value, args) => selected(value, args, true),
  selectattr: (value, args) => selectedByAttribute(value, args, true),
  sort: (value, args) => {
    const names = ["reverse", "case_sensitive", "attribute"];
    const [reverse = false, isCaseSensitive = false, attribute] = bind(
      args,
      names,
    );
    const key = keyOf(isCaseSensitive, attribute);
    // Python sorts by lists of keys, and looks for the first that differs.
    const listed = (item: Value) => new Sequence([key(item)]);
    return new Sequence(sorted(iterate(value), listed, isTrue(reverse)));
  },
  string: (value) => value instanceof Markup ? value : textOf(value),
  sum: (value, args) => {
    const [attribute, start = 0] = bind(args, ["attribute", "start"]);
    return iterate(value).map(getter(attribute)).reduce(
      (sum, item) => OPERATORS["+"]!(sum, item),
      start,
    );
  },
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
  unique: (value, args) => {
    const [isCaseSensitive = false, attribute] = bind(args, [
      "case_sensitive",
      "attribute",
    ]);
    const key = keyOf(isCaseSensitive, attribute);
    const seen: Value[] = [];
    return iterator(
      iterate(value).filter((item) => {
        const known = key(item);
        assertHashable(known);
        if (seen.some((other) => equals(other, known))) return false;
        seen.push(known);
        return true;
      }),
    );
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

/** The values to filter; a value that counts as false has none. */
function itemsIn(value: Value): readonly Value[] {
  return isTrue(value) ? iterate(value) : [];
}

function iterator(items: readonly Value[]): Sequence {
  return new Sequence(items, "iterator");
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

function sortedDict(value: Value, args: Arguments): Value {
  const [isCaseSensitive = false, by = "key", reverse = false] = bind(args, [
    "case_sensitive",
    "by",
    "reverse",
  ]);
  if (!(value instanceof Dict)) {
    throw new TypeError("dictsort expected a dict");
  }
  if (by !== "key" && by !== "value") {
    throw new RangeError('you can only sort by either "key" or "value"');
  }
  const key = keyOf(isCaseSensitive, by === "key" ? 0 : 1);
  const entries = value.keys().map((name) =>
    new Sequence([name, value.get(name)!], "tuple")
  );
  return new Sequence(sorted(entries, key, isTrue(reverse)));
}

function reversed(value: Value): readonly Value[] {
  if (value instanceof Sequence && value.kind === "iterator") {
    throw new TypeError("'generator' object is not reversible");
  }
  return iterate(value).toReversed();
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

/** Reads an attribute, `a.b.0`, of items; without one, the items themselves. */
function getter(
  attribute: Value | undefined,
  fallback?: Value,
): (item: Value) => Value {
  if (attribute === undefined || attribute === null) return (item) => item;
  const keys = typeof attribute === "number"
    ? [attribute]
    : asText(attribute).split(".").map((part) =>
      /^\d+$/.test(part) ? Number(part) : part
    );
  return (item) => {
    let value = item;
    for (const key of keys) {
      value = itemOf(value, key);
      if (fallback !== undefined && value instanceof Undefined) {
        value = fallback;
      }
    }
    return value;
  };
}

function keyOf(
  isCaseSensitive: Value,
  attribute: Value | undefined,
): (item: Value) => Value {
  if (typeof attribute === "string" && attribute.includes(",")) {
    throw new TypeError("cannot sort by several attributes");
  }
  const get = getter(attribute);
  return (item) => {
    const value = get(item);
    const text = isTrue(isCaseSensitive) ? null : textIn(value);
    return text === null ? value : text.toLowerCase();
  };
}

/** @throws TypeError for a value that Python does not find in a set. */
function assertHashable(value: Value): void {
  const isList = value instanceof Sequence && value.kind === "list";
  if (isList || value instanceof Dict) {
    throw new TypeError(`unhashable type: '${typeOf(value)}'`);
  }
  if (value instanceof Sequence) value.items.forEach(assertHashable);
}

function sorted(
  items: readonly Value[],
  key: (item: Value) => Value,
  isReversed: boolean,
): Value[] {
  const sign = isReversed ? -1 : 1;
  return items.map((item) => ({ item, key: key(item) }))
    .sort((a, b) => sign * compare(a.key, b.key))
    .map(({ item }) => item);
}

function extreme(value: Value, args: Arguments, sign: 1 | -1): Value {
  const [isCaseSensitive = false, attribute] = bind(args, [
    "case_sensitive",
    "attribute",
  ]);
  const key = keyOf(isCaseSensitive, attribute);
  const [first, ...rest] = iterate(value);
  if (first === undefined) return new Undefined("an item of an empty list");
  return rest.reduce(
    (best, item) => sign * compare(key(item), key(best)) > 0 ? item : best,
    first,
  );
}

function selected(value: Value, args: Arguments, isKept: boolean): Value {
  const { positional: [name, ...rest] } = args;
  return iterator(
    itemsIn(value).filter((item) => passes(item, name, rest) === isKept),
  );
}

function selectedByAttribute(
  value: Value,
  { positional: [attribute, name, ...rest] }: Arguments,
  isKept: boolean,
): Value {
  if (attribute === undefined) throw new TypeError("missing attribute");
  const get = getter(attribute);
  return iterator(
    itemsIn(value).filter((item) => passes(get(item), name, rest) === isKept),
  );
}

function passes(
  value: Value,
  name: Value | undefined,
  rest: readonly Value[],
): boolean {
  if (name === undefined) return isTrue(value);
  const test = asText(name);
  if (!Object.hasOwn(TESTS, test)) throw new Error(`no test named '${test}'`);
  return TESTS[test]!(value, ...rest);
}
