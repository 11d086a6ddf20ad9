import { asText, bind } from "./arguments.ts";
import { itemOf } from "./members.ts";
import { OPERATORS } from "./operators.ts";
import { joined, textOf } from "./text.ts";
import { TESTS } from "./tests.ts";
import {
  type Arguments,
  compare,
  Dict,
  isTrue,
  iterate,
  numberIn,
  present,
  Sequence,
  textIn,
  typeOf,
  Undefined,
  type Value,
} from "./values.ts";

/** A filter of a value, with arguments in brackets. */
export type Filter = (value: Value, args: Arguments) => Value;

/** Filters of Jinja that take lists and objects apart. */
export const LIST_FILTERS: Readonly<Record<string, Filter>> = {
  dictsort: sortedDict,
  first: (value) => present(iterate(value)[0], "the first item"),
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
  last: (value) => present(withEnd(value).at(-1), "the last item"),
  list: (value) => new Sequence(iterate(value)),
  max: (value, args) => extreme(value, args, 1),
  min: (value, args) => extreme(value, args, -1),
  reject: (value, args) => selected(value, args, false),
  rejectattr: (value, args) => selectedByAttribute(value, args, false),
  reverse: (value) => {
    const text = textIn(value);
    return text === null
      ? iterator(withEnd(value).toReversed())
      : [...text].reverse().join("");
  },
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
  sum: (value, args) => {
    const [attribute, start = 0] = bind(args, ["attribute", "start"]);
    return iterate(value).map(getter(attribute)).reduce(
      (sum, item) => OPERATORS["+"]!(sum, item),
      start,
    );
  },
  unique: (value, args) => {
    const [isCaseSensitive = false, attribute] = bind(args, [
      "case_sensitive",
      "attribute",
    ]);
    const key = keyOf(isCaseSensitive, attribute);
    const seen = new Set<string | number | null>();
    return iterator(
      iterate(value).filter((item) => {
        const before = seen.size;
        return seen.add(hashable(key(item))).size > before;
      }),
    );
  },
};

/** The values to filter; a value that counts as false has none. */
export function itemsIn(value: Value): readonly Value[] {
  return isTrue(value) ? iterate(value) : [];
}

/** Values that can be taken once. */
export function iterator(items: readonly Value[]): Sequence {
  return new Sequence(items, "iterator");
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

/** @throws TypeError for values that can only be run through forwards. */
function withEnd(value: Value): readonly Value[] {
  if (value instanceof Sequence && value.kind === "iterator") {
    throw new TypeError("'generator' object is not reversible");
  }
  return iterate(value);
}

/** Reads an attribute, `a.b.0`, of items; without one, the items themselves. */
export function getter(
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

/**
 * A value that is the same for equal ones.
 *
 * @throws TypeError for a value that Python does not find in a set, or a tuple.
 */
function hashable(value: Value): string | number | null {
  const known = textIn(value) ?? numberIn(value);
  if (known !== null || value === null) return known;
  if (value instanceof Undefined) return "an undefined value\0";
  throw new TypeError(`unhashable type: '${typeOf(value)}'`);
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
