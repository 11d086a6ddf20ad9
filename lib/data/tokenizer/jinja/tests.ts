import { isIn } from "./operators.ts";
import { textOf } from "./text.ts";
import {
  Callable,
  compare,
  defined,
  Dict,
  equals,
  Float,
  Markup,
  numberIn,
  Sequence,
  textIn,
  typeOf,
  Undefined,
  type Value,
} from "./values.ts";

type Test = (value: Value, other?: Value) => boolean;

const equal: Test = (value, other = null) => equals(value, other);
const differ: Test = (value, other) => !equal(value, other);
const order =
  (operator: string, holds: (sign: number) => boolean): Test =>
  (value, other = null) => holds(compare(value, other, operator));
const below = order("<", (sign) => sign < 0);
const above = order(">", (sign) => sign > 0);
const atMost = order("<=", (sign) => sign <= 0);
const atLeast = order(">=", (sign) => sign >= 0);

/** Tests of Jinja. */
export const TESTS: Readonly<Record<string, Test>> = {
  boolean: (value) => typeof value === "boolean",
  callable: (value) => value instanceof Callable || value instanceof Undefined,
  defined: (value) => !(value instanceof Undefined),
  divisibleby: (value, other = null) => remainder(value, other) === 0,
  escaped: (value) => value instanceof Markup,
  even: (value) => remainder(value, 2) === 0,
  false: (value) => value === false,
  float: (value) => value instanceof Float,
  in: (value, other = null) => isIn(value, other),
  integer: (value) => typeof value === "number",
  iterable: isIterable,
  lower: (value) => isCased(textOf(value), (text) => text.toLowerCase()),
  mapping: (value) => value instanceof Dict,
  none: (value) => value === null,
  number: (value) => numberIn(value) !== null,
  odd: (value) => remainder(value, 2) === 1,
  sequence: (value) =>
    isIterable(value) &&
    !(value instanceof Sequence && /^(view|iterator)$/.test(value.kind)),
  string: (value) => textIn(value) !== null,
  true: (value) => value === true,
  undefined: (value) => value instanceof Undefined,
  upper: (value) => isCased(textOf(value), (text) => text.toUpperCase()),
  "==": equal,
  eq: equal,
  equalto: equal,
  "!=": differ,
  ne: differ,
  "<": below,
  lt: below,
  lessthan: below,
  ">": above,
  gt: above,
  greaterthan: above,
  "<=": atMost,
  le: atMost,
  ">=": atLeast,
  ge: atLeast,
};

function isIterable(value: Value): boolean {
  return textIn(value) !== null || value instanceof Undefined ||
    value instanceof Dict || value instanceof Sequence;
}

function isCased(text: string, change: (text: string) => string): boolean {
  return text === change(text) && /\p{Lu}|\p{Ll}|\p{Lt}/u.test(text);
}

function remainder(value: Value, divisor: Value): number {
  const [a, b] = [numberIn(defined(value)), numberIn(defined(divisor))];
  if (a === null || b === null || b === 0) {
    throw new TypeError(
      `cannot divide a value of type ${typeOf(value)} by one of type ${
        typeOf(divisor)
      }`,
    );
  }
  return a - b * Math.floor(a / b);
}
