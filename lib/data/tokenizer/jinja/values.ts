/** Most elements of a text or list: a loop over it takes a hundred times as many bytes. */
export const MAX_LENGTH = 1 << 22;

/** A value of a template, as Python has it. Whole numbers are `number`. */
export type Value =
  | Undefined
  | null
  | boolean
  | number
  | Float
  | string
  | Markup
  | Sequence
  | Dict
  | Fields
  | Callable;

/** The value of a name, attribute or key that is not there. */
export class Undefined {
  readonly kind = "Undefined";

  constructor(readonly name: string) {}
}

/** A value, or one that is not there. */
export function present(value: Value | undefined, name: string): Value {
  return value === undefined ? new Undefined(name) : value;
}

/** A number with a decimal point, if only in Python. */
export class Float {
  constructor(readonly value: number) {}
}

/** Text that is marked as safe HTML. */
export class Markup {
  constructor(readonly text: string) {}
}

/** A Python type of which the values are run through in order. */
export type SequenceKind = "list" | "tuple" | "range" | "view" | "iterator";

/** Values in order; an iterator's can be taken once. */
export class Sequence {
  /** The number of values and characters in it, nested ones included. */
  readonly weight: number;

  constructor(
    public items: readonly Value[],
    readonly kind: SequenceKind = "list",
  ) {
    this.weight = bounded(items.reduce<number>(addWeight, 1));
  }
}

export type Key = string | number;

/** A Python dict, with keys that are texts or whole numbers. */
export class Dict {
  readonly #entries: ReadonlyMap<Key, Value>;
  /** The number of values and characters in it, nested ones included. */
  readonly weight: number;

  /** @param isOrdered whether the entries are in the order that they were written in */
  constructor(
    entries: Iterable<readonly [Key, Value]>,
    readonly isOrdered = true,
  ) {
    this.#entries = new Map(entries);
    this.weight = bounded(
      [...this.#entries].flat().reduce<number>(addWeight, 1),
    );
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: Key): Value | undefined {
    return this.#entries.get(key);
  }

  /** Keys in any order. */
  keys(): Key[] {
    return [...this.#entries.keys()];
  }

  /** @throws RangeError where their order was lost. */
  entries(): (readonly [Key, Value])[] {
    if (this.isOrdered) return [...this.#entries];
    throw new RangeError(
      `cannot tell the order of an object's keys, of which "${
        this.keys()[0]
      }" is a number and others are not`,
    );
  }
}

/** An object with attributes: a namespace, which templates assign to, or a loop. */
export class Fields {
  readonly values: Map<string, Value>;

  constructor(
    readonly kind: "Namespace" | "LoopContext",
    values: Iterable<readonly [string, Value]>,
  ) {
    this.values = new Map(values);
  }
}

/** Arguments of a call. */
export interface Arguments {
  readonly positional: readonly Value[];
  readonly named: ReadonlyMap<string, Value>;
}

/** A function, method or macro. */
export class Callable {
  constructor(
    readonly name: string,
    readonly call: (args: Arguments) => Value,
  ) {}
}

/** @throws RangeError where a text or list is too long. */
export function bounded(length: number): number {
  if (length <= MAX_LENGTH) return length;
  throw new RangeError(
    `it makes a text or list of ${length}, ` +
      `expected no more than ${MAX_LENGTH}`,
  );
}

/** The number of values and characters in a value. */
export function weightOf(value: Value): number {
  if (typeof value === "string") return 1 + value.length;
  if (value instanceof Markup) return 1 + value.text.length;
  return value instanceof Sequence || value instanceof Dict ? value.weight : 1;
}

function addWeight(sum: number, value: Value): number {
  return sum + weightOf(value);
}

/** The value of JSON, or of a function of ours. */
export function valueOf(input: unknown): Value {
  if (typeof input === "number") {
    return Number.isInteger(input) ? input : new Float(input);
  }
  if (input instanceof Number) return new Float(Number(input));
  if (typeof input === "function") {
    return new Callable(
      input.name,
      ({ positional }) => valueOf(input(...positional)),
    );
  }
  if (input === undefined) return new Undefined("");
  if (Array.isArray(input)) return new Sequence(input.map(valueOf));
  if (typeof input !== "object" || input === null) return input as Value;
  const entries = Object.entries(input);
  return new Dict(
    entries.map(([key, item]) => [key, valueOf(item)]),
    hasOrder(entries.map(([key]) => key)),
  );
}

/** Objects of JavaScript have keys that are whole numbers before the others. */
function hasOrder(keys: readonly string[]): boolean {
  const isIndex = (key: string) => /^(0|[1-9]\d*)$/.test(key);
  return keys.length < 2 || !isIndex(keys[0]!);
}

/** The name of a value's type in Python. */
export function typeOf(value: Value): string {
  if (value === null) return "NoneType";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return "int";
  if (typeof value === "string") return "str";
  if (value instanceof Sequence || value instanceof Fields) return value.kind;
  if (value instanceof Callable) return "function";
  return value.constructor.name.replace(
    /^(Float|Dict)$/,
    (name) => name.toLowerCase(),
  );
}

/** @throws TypeError for a value that is not there. */
export function defined(value: Value): Exclude<Value, Undefined> {
  if (!(value instanceof Undefined)) return value;
  throw new TypeError(`'${value.name}' is undefined`);
}

/** The text of a value that is text, else null. */
export function textIn(value: Value): string | null {
  if (typeof value === "string") return value;
  return value instanceof Markup ? value.text : null;
}

/** The number of a value that counts as one, else null. */
export function numberIn(value: Value): number | null {
  if (typeof value === "boolean") return Number(value);
  if (typeof value === "number") return value;
  return value instanceof Float ? value.value : null;
}

/** https://docs.python.org/3/library/stdtypes.html#truth-value-testing */
export function isTrue(value: Value): boolean {
  if (value === null || value instanceof Undefined) return false;
  if (value instanceof Sequence) {
    return value.kind === "iterator" || value.items.length > 0;
  }
  if (value instanceof Dict) return value.size > 0;
  return Boolean(textIn(value) ?? numberIn(value) ?? true);
}

/** @throws TypeError for a value without a length. */
export function lengthOf(value: Value): number {
  const text = textIn(value);
  if (text !== null) return [...text].length;
  if (value instanceof Undefined) return 0;
  if (value instanceof Dict) return value.size;
  if (value instanceof Sequence && value.kind !== "iterator") {
    return value.items.length;
  }
  throw new TypeError(`object of type '${typeOf(value)}' has no len()`);
}

/** @throws TypeError for a value that cannot be run through. */
export function iterate(value: Value): readonly Value[] {
  const text = textIn(value);
  if (text !== null) return [...text];
  if (value instanceof Undefined) return [];
  if (value instanceof Dict) return value.entries().map(([key]) => key);
  if (!(value instanceof Sequence)) {
    throw new TypeError(`'${typeOf(value)}' object is not iterable`);
  }
  const { items } = value;
  if (value.kind === "iterator") value.items = [];
  return items;
}

/** `left == right` */
export function equals(left: Value, right: Value): boolean {
  if (left === right) return true;
  const [text, number] = [textIn(left), numberIn(left)];
  if (text !== null) return text === textIn(right);
  if (number !== null) return number === numberIn(right);
  if (left instanceof Undefined) return right instanceof Undefined;
  if (left instanceof Dict) {
    return right instanceof Dict &&
      left.size === right.size && left.keys().every((key) => {
        const other = right.get(key);
        return other !== undefined && equals(left.get(key)!, other);
      });
  }
  if (!(left instanceof Sequence && right instanceof Sequence)) return false;
  return left.kind === right.kind && left.kind !== "iterator" &&
    left.items.length === right.items.length &&
    left.items.every((item, i) => equals(item, right.items[i]!));
}

/**
 * The sign of `left - right`.
 *
 * @throws TypeError for values without an order.
 */
export function compare(left: Value, right: Value, operator = "<"): number {
  const [a, b] = [defined(left), defined(right)];
  const numbers = [numberIn(a), numberIn(b)];
  if (numbers[0] !== null && numbers[1] !== null) {
    return Math.sign(numbers[0]! - numbers[1]!);
  }
  const texts = [textIn(a), textIn(b)];
  if (texts[0] !== null && texts[1] !== null) {
    return compareTexts(texts[0]!, texts[1]!);
  }
  if (
    a instanceof Sequence && b instanceof Sequence && a.kind === b.kind &&
    (a.kind === "list" || a.kind === "tuple")
  ) {
    const i = a.items.findIndex((item, i) =>
      i >= b.items.length || !equals(item, b.items[i]!)
    );
    if (i === -1) return a.items.length - b.items.length;
    return i >= b.items.length
      ? 1
      : compare(a.items[i]!, b.items[i]!, operator);
  }
  throw new TypeError(
    `'${operator}' not supported between instances of ` +
      `'${typeOf(a)}' and '${typeOf(b)}'`,
  );
}

/** In the order of code points; JavaScript's is that of UTF-16. */
function compareTexts(a: string, b: string): number {
  let i = 0;
  while (i < a.length && a[i] === b[i]) i++;
  if (i === a.length || i === b.length) return Math.sign(a.length - b.length);
  return Math.sign(rank(a.charCodeAt(i)) - rank(b.charCodeAt(i)));
}

/** Halves of characters beyond 0xFFFF go after all others. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x2800 : unit;
}
