import { formatPercent } from "./format.ts";
import { escaped, joined, textOf } from "./text.ts";
import {
  bounded,
  compare,
  defined,
  Dict,
  equals,
  Float,
  iterate,
  Markup,
  numberIn,
  Sequence,
  textIn,
  typeOf,
  type Value,
} from "./values.ts";

type Operator = (left: Value, right: Value) => Value;

/** Operators of two values that take both. */
export const OPERATORS: Readonly<Record<string, Operator>> = {
  "==": equals,
  "!=": (left, right) => !equals(left, right),
  "<": (left, right) => compare(left, right, "<") < 0,
  "<=": (left, right) => compare(left, right, "<=") <= 0,
  ">": (left, right) => compare(left, right, ">") > 0,
  ">=": (left, right) => compare(left, right, ">=") >= 0,
  in: isIn,
  "not in": (left, right) => !isIn(left, right),
  "~": (left, right) => joined([textOf(left), textOf(right)]),
  "+": add,
  "-": arithmetic("-", (a, b) => a - b),
  "*": multiply,
  "/": (left, right) => new Float(quotient("/", left, right)),
  "//": arithmetic("//", (a, b) => Math.floor(quotientOf(a, b))),
  "%": (left, right) =>
    textIn(left) === null
      ? arithmetic("%", (a, b) => a - b * Math.floor(quotientOf(a, b)))(
        left,
        right,
      )
      : formatPercent(left, right),
  "**": power,
};

/** `+value` and `-value` */
export function signed(operator: string, value: Value): Value {
  const number = numberIn(defined(value));
  if (number === null) {
    throw new TypeError(
      `bad operand type for unary ${operator}: '${typeOf(value)}'`,
    );
  }
  const result = operator === "-" ? -number : number;
  return value instanceof Float ? new Float(result) : integer(result);
}

/** https://docs.python.org/3/reference/expressions.html#membership-test-operations */
export function isIn(left: Value, right: Value): boolean {
  const text = textIn(right);
  if (text !== null) {
    const part = textIn(defined(left));
    if (part !== null) return text.includes(part);
    throw new TypeError(
      `'in <string>' requires string as left operand, not ${typeOf(left)}`,
    );
  }
  if (right instanceof Dict) {
    const key = textIn(left) ?? left;
    if (typeof key === "string" || typeof key === "number") {
      return right.get(key) !== undefined;
    }
  }
  return iterate(right).some((item) => equals(item, left));
}

function add(left: Value, right: Value): Value {
  const [a, b] = [textIn(defined(left)), textIn(defined(right))];
  if (a !== null && b !== null) {
    return left instanceof Markup || right instanceof Markup
      ? new Markup(joined([escaped(left), escaped(right)]))
      : joined([a, b]);
  }
  if (a !== null) {
    throw new TypeError(
      `can only concatenate str (not "${typeOf(right)}") to str`,
    );
  }
  if (
    left instanceof Sequence && right instanceof Sequence &&
    left.kind === right.kind && (left.kind === "list" || left.kind === "tuple")
  ) {
    bounded(left.items.length + right.items.length);
    return new Sequence([...left.items, ...right.items], left.kind);
  }
  return arithmetic("+", (a, b) => a + b)(left, right);
}

function multiply(left: Value, right: Value): Value {
  const [times, repeated] = numberIn(left) === null
    ? [right, left]
    : [left, right];
  const text = textIn(repeated);
  const isList = repeated instanceof Sequence &&
    (repeated.kind === "list" || repeated.kind === "tuple");
  if (times instanceof Float || text === null && !isList) {
    return arithmetic("*", (a, b) => a * b)(left, right);
  }
  const [count] = numbersIn("*", times, 1);
  const copies = Math.max(0, count);
  if (isList) {
    bounded(repeated.weight * copies);
    const lists = Array.from({ length: copies }, () => repeated.items);
    return new Sequence(lists.flat(), repeated.kind);
  }
  bounded(text!.length * copies);
  const all = text!.repeat(copies);
  return repeated instanceof Markup ? new Markup(all) : all;
}

function power(left: Value, right: Value): Value {
  const exponent = numberIn(right);
  const result = arithmetic("**", (a, b) => a ** b)(left, right);
  const isFloat = exponent !== null && exponent < 0;
  const value = numberIn(result)!;
  if (!Number.isFinite(value)) {
    throw new RangeError("cannot tell the result of **");
  }
  return isFloat ? new Float(value) : result;
}

function arithmetic(
  operator: string,
  compute: (a: number, b: number) => number,
): Operator {
  return (left, right) => {
    const [a, b] = numbersIn(operator, left, right);
    const result = compute(a, b);
    return left instanceof Float || right instanceof Float
      ? new Float(result)
      : integer(result);
  };
}

function quotient(operator: string, left: Value, right: Value): number {
  const [a, b] = numbersIn(operator, left, right);
  return quotientOf(a, b);
}

function quotientOf(a: number, b: number): number {
  if (b !== 0) return a / b;
  throw new RangeError("division by zero");
}

function numbersIn(
  operator: string,
  left: Value,
  right: Value,
): [number, number] {
  const [a, b] = [numberIn(defined(left)), numberIn(defined(right))];
  if (a !== null && b !== null) return [a, b];
  throw new TypeError(
    `unsupported operand type(s) for ${operator}: ` +
      `'${typeOf(left)}' and '${typeOf(right)}'`,
  );
}

/** @throws RangeError for a whole number of which the digits are lost. */
function integer(x: number): number {
  if (Number.isSafeInteger(x)) return x === 0 ? 0 : x;
  throw new RangeError(`cannot tell the digits of a number as large as ${x}`);
}
