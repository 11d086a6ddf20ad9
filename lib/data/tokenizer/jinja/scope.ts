import type { Node } from "./ast.ts";
import {
  type Arguments,
  Callable,
  Fields,
  iterate,
  present,
  Undefined,
  type Value,
} from "./values.ts";

/** Names that are values, and cannot be variables. */
export const CONSTANTS: Readonly<Record<string, Value>> = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
};

/** The variables of a body, and those around it. */
export class Scope {
  readonly #values = new Map<string, Value>();

  constructor(private readonly outer: Scope | null) {}

  get(name: string): Value {
    const value = this.#values.get(name);
    if (value !== undefined) return value;
    return this.outer === null ? new Undefined(name) : this.outer.get(name);
  }

  set(name: string, value: Value): void {
    if (!Object.hasOwn(CONSTANTS, name)) this.#values.set(name, value);
    else throw new SyntaxError(`cannot assign to '${name}'`);
  }
}

/** Gives a value to a name, or several values to as many names. */
export function assign(target: Node, value: Value, scope: Scope): void {
  if (target.type === "Identifier") return scope.set(target.value, value);
  if (target.type !== "TupleLiteral") {
    throw new SyntaxError(`cannot assign to ${target.type}`);
  }
  const items = iterate(value);
  if (items.length !== target.value.length) {
    throw new RangeError(
      `expected ${target.value.length} values to unpack, got ${items.length}`,
    );
  }
  target.value.forEach((name, i) => assign(name, items[i]!, scope));
}

/** The variable `loop` of a loop in its i-th round. */
export function loopAt(
  items: readonly Value[],
  i: number,
  outer: Value,
): Fields {
  const { length } = items;
  const depth = outer instanceof Fields
    ? Number(outer.values.get("depth")) + 1
    : 1;
  const cycle = ({ positional }: Arguments) =>
    present(positional[i % positional.length], "cycle");
  const changed = () => {
    throw new TypeError("cannot use loop.changed");
  };
  return new Fields("LoopContext", [
    ["index", i + 1],
    ["index0", i],
    ["revindex", length - i],
    ["revindex0", length - i - 1],
    ["first", i === 0],
    ["last", i === length - 1],
    ["length", length],
    ["depth", depth],
    ["depth0", depth - 1],
    ["previtem", present(items[i - 1], "the previous item")],
    ["nextitem", present(items[i + 1], "the next item")],
    ["cycle", new Callable("cycle", cycle)],
    ["changed", new Callable("changed", changed)],
  ]);
}

/** @throws RangeError for a name that the sandbox of transformers refuses. */
export function setField(
  fields: Map<string, Value>,
  name: string,
  value: Value,
): void {
  if (!name.startsWith("_")) fields.set(name, value);
  else throw new RangeError(`cannot store the attribute ${name}`);
}
