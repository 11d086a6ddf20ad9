import { asInteger, bind } from "./arguments.ts";
import { OTHER_TEXT_METHODS, TEXT_METHODS } from "./text_methods.ts";
import {
  type Arguments,
  Callable,
  defined,
  Dict,
  equals,
  Fields,
  type Key,
  Markup,
  present,
  Sequence,
  textIn,
  typeOf,
  Undefined,
  type Value,
} from "./values.ts";

/** `object.name`: an attribute, else the value of the key. */
export function attributeOf(object: Value, name: string): Value {
  const method = methodOf(defined(object), name);
  if (method !== null) return method;
  if (object instanceof Dict) return present(object.get(name), name);
  return object instanceof Fields
    ? present(object.values.get(name), name)
    : new Undefined(name);
}

/** `object[key]`: the value of the key, else an attribute. */
export function itemOf(object: Value, key: Value): Value {
  defined(object);
  const name = textIn(key);
  const known = name ?? key;
  if (object instanceof Dict && isKey(known)) {
    const value = object.get(known);
    if (value !== undefined) return value;
  }
  const index = typeof key === "boolean" ? Number(key) : key;
  if (typeof index === "number") {
    const text = textIn(object);
    const items = text !== null
      ? [...text]
      : object instanceof Sequence && isIndexed(object)
      ? object.items
      : [];
    return asMarked(object, present(items.at(index), String(index)));
  }
  return name === null ? new Undefined(typeOf(key)) : attributeOf(object, name);
}

/** `object[start:stop:step]` */
export function sliceOf(
  object: Value,
  [start, stop, step]: readonly (Value | undefined)[],
): Value {
  const by = bound(step) ?? 1;
  if (by === 0) throw new RangeError("slice step cannot be zero");
  const text = textIn(defined(object));
  const isList = object instanceof Sequence && isIndexed(object);
  if (text === null && !isList) {
    throw new TypeError(`'${typeOf(object)}' object is not subscriptable`);
  }
  const items = isList ? object.items : [...text!];
  const size = items.length;
  const clip = (at: number | null, fallback: number) => {
    if (at === null) return fallback;
    const [low, high] = by > 0 ? [0, size] : [-1, size - 1];
    return Math.min(Math.max(at < 0 ? at + size : at, low), high);
  };
  const [from, to] = by > 0
    ? [clip(bound(start), 0), clip(bound(stop), size)]
    : [clip(bound(start), size - 1), clip(bound(stop), -1)];
  const taken: Value[] = [];
  for (let i = from; by > 0 ? i < to : i > to; i += by) taken.push(items[i]!);
  return isList
    ? new Sequence(taken, object.kind)
    : asMarked(object, taken.join(""));
}

/** A part of a text, marked as safe where the text is. */
function asMarked(text: Value, part: Value): Value {
  return text instanceof Markup && typeof part === "string"
    ? new Markup(part)
    : part;
}

function bound(value: Value | undefined): number | null {
  if (value === undefined || value === null) return null;
  return asInteger(defined(value));
}

function isIndexed({ kind }: Sequence): boolean {
  return kind === "list" || kind === "tuple" || kind === "range";
}

function isKey(value: Value): value is Key {
  return typeof value === "string" || typeof value === "number";
}

type Method<T> = (object: T, args: Arguments) => Value;

const DICT_METHODS: Readonly<Record<string, Method<Dict>>> = {
  copy: (dict) => dict,
  get: (dict, args) => {
    const [key = null, fallback = null] = bind(args, ["key", "default"]);
    const known = textIn(key) ?? key;
    const value = isKey(known) ? dict.get(known) : undefined;
    return value === undefined ? fallback : value;
  },
  items: (dict) =>
    new Sequence(
      dict.entries().map((pair) => new Sequence(pair, "tuple")),
      "view",
    ),
  keys: (dict) => new Sequence(dict.entries().map(([key]) => key), "view"),
  values: (dict) => new Sequence(dict.entries().map(([, x]) => x), "view"),
};

const count: Method<Sequence> = (list, args) => {
  const [wanted = null] = bind(args, ["value"]);
  return list.items.filter((item) => equals(item, wanted)).length;
};

const index: Method<Sequence> = (list, args) => {
  const [wanted = null] = bind(args, ["value"]);
  const at = list.items.findIndex((item) => equals(item, wanted));
  if (at !== -1) return at;
  throw new RangeError("value is not in list");
};

const LIST_METHODS = { copy: (list: Sequence) => list, count, index };

/** Methods that change a value, which the sandbox of Python refuses. */
const OTHER_DICT_METHODS = "clear fromkeys pop popitem setdefault update".split(
  " ",
);
const OTHER_LIST_METHODS = "append clear extend insert pop remove reverse sort"
  .split(" ");

function methodOf(object: Value, name: string): Callable | null {
  if (object instanceof Markup) {
    return methodAmong(object, name, {}, [
      ...Object.keys(TEXT_METHODS),
      ...OTHER_TEXT_METHODS,
    ]);
  }
  if (typeof object === "string") {
    return methodAmong(object, name, TEXT_METHODS, OTHER_TEXT_METHODS);
  }
  if (object instanceof Dict) {
    return methodAmong(object, name, DICT_METHODS, OTHER_DICT_METHODS);
  }
  if (!(object instanceof Sequence && isIndexed(object))) return null;
  return object.kind === "list"
    ? methodAmong(object, name, LIST_METHODS, OTHER_LIST_METHODS)
    : methodAmong(object, name, { count, index }, []);
}

/** @throws TypeError for a method that Python has, and templates cannot use here. */
function methodAmong<T extends Value>(
  object: T,
  name: string,
  methods: Readonly<Record<string, Method<T>>>,
  others: readonly string[],
): Callable | null {
  if (Object.hasOwn(methods, name)) {
    return new Callable(name, (args) => methods[name]!(object, args));
  }
  if (!others.includes(name)) return null;
  throw new TypeError(
    `cannot use the method ${name} of a value of type ${typeOf(object)}`,
  );
}
