import { NONE } from "./arguments.ts";
import {
  type CallNode,
  GENERATION,
  type Name,
  type Node,
  type NodeOf,
} from "./ast.ts";
import { filter } from "./filters.ts";
import { attributeOf, itemOf, sliceOf } from "./members.ts";
import { OPERATORS, signed } from "./operators.ts";
import { assign, CONSTANTS, loopAt, Scope, setField } from "./scope.ts";
import { TESTS } from "./tests.ts";
import { joined, textOf } from "./text.ts";
import {
  type Arguments,
  bounded,
  Callable,
  Dict,
  Fields,
  Float,
  isTrue,
  iterate,
  type Key,
  present,
  Sequence,
  textIn,
  typeOf,
  Undefined,
  type Value,
  weightOf,
} from "./values.ts";

/** Most work: ten thousand messages, or a second or two. */
const MAX_WORK = 2 ** 27;
/** Work of a step, and of an element of a new list; of a character it is 1. */
const STEP = 64;
/** Work of looking at an item of a list that is there. */
const ITEM = 16;

/** Filters and tests that may look at all that is in a value. */
const HEAVY = /^(dictsort|lower|max|min|sort|unique|upper)$/;

/** Filters that look at no more than one item of a list. */
const LIGHT = /^(count|d|default|first|last|length)$/;

/** What ends a body before its end. */
type Signal = "Break" | "Continue" | null;

/**
 * Renders a template from outside: its steps, its ranges, and the texts and lists
 * that it makes are bounded, and so are time and memory.
 *
 * @throws Error where a bound is passed, or Python raises one.
 */
export function renderTemplate(
  program: NodeOf<"Program">,
  variables: ReadonlyMap<string, Value>,
): string {
  return new Evaluation().render(program, variables);
}

class Evaluation {
  #work = 0;

  render(
    { body }: NodeOf<"Program">,
    variables: ReadonlyMap<string, Value>,
  ): string {
    const scope = new Scope(null);
    scope.set(GENERATION, writeGeneration);
    for (const [name, value] of variables) scope.set(name, value);
    return this.#text(body, new Scope(scope));
  }

  #text(body: readonly Node[], scope: Scope): string {
    const written: string[] = [];
    this.#run(body, scope, written);
    return joined(written);
  }

  /** Runs statements, and adds the text that they write. */
  #run(body: readonly Node[], scope: Scope, written: string[]): Signal {
    for (const node of body) {
      const signal = this.#statement(node, scope, written);
      if (signal !== null) return signal;
    }
    return null;
  }

  #statement(node: Node, scope: Scope, written: string[]): Signal {
    this.#spend(STEP);
    switch (node.type) {
      case "Comment":
        return null;
      case "Break":
      case "Continue":
        return node.type;
      case "If": {
        const holds = isTrue(this.#value(node.test, scope));
        return this.#run(holds ? node.body : node.alternate, scope, written);
      }
      case "For":
        this.#loop(node, scope, written);
        return null;
      case "Set":
        this.#set(node, scope);
        return null;
      case "Macro":
        scope.set(node.name.value, this.#macro(node, scope));
        return null;
      case "FilterStatement": {
        const text = this.#text(node.body, new Scope(scope));
        this.#write(this.#filter(text, node.filter, scope), written);
        return null;
      }
      case "CallStatement":
        this.#write(this.#callBlock(node, scope), written);
        return null;
      default:
        this.#write(this.#value(node, scope), written);
        return null;
    }
  }

  #write(value: Value, written: string[]): void {
    const text = textOf(value);
    this.#spend(text.length);
    written.push(text);
  }

  #spend(work: number): void {
    this.#work += work;
    if (this.#work <= MAX_WORK) return;
    throw new RangeError(
      "it does too much: its loops hardly end, or its lists grow",
    );
  }

  #set({ assignee, value, body }: NodeOf<"Set">, scope: Scope): void {
    const assigned = value === null
      ? this.#text(body, new Scope(scope))
      : this.#value(value, scope);
    if (assignee.type !== "MemberExpression") {
      return assign(assignee, assigned, scope);
    }
    const { object, property } = assignee;
    const fields = this.#value(object, scope);
    if (
      !(fields instanceof Fields) || fields.kind !== "Namespace" ||
      property.type !== "Identifier"
    ) {
      throw new TypeError("cannot assign attribute on non-namespace object");
    }
    setField(fields.values, property.value, assigned);
  }

  #loop(node: NodeOf<"For">, scope: Scope, written: string[]): void {
    const { iterable, loopvar } = node;
    const items = iterable.type === "SelectExpression"
      ? iterate(this.#value(iterable.lhs, scope)).filter((item) => {
        const inner = new Scope(scope);
        assign(loopvar, item, inner);
        return isTrue(this.#value(iterable.test, inner));
      })
      : iterate(this.#value(iterable, scope));
    let isDone = false;
    const depth = scope.get("loop");
    for (const i of items.keys()) {
      this.#spend(STEP);
      const inner = new Scope(scope);
      inner.set("loop", loopAt(items, i, depth));
      assign(loopvar, items[i]!, inner);
      const signal = this.#run(node.body, inner, written);
      if (signal === "Break") break;
      isDone ||= signal === null;
    }
    if (!isDone) this.#run(node.defaultBlock, new Scope(scope), written);
  }

  #macro({ name, args, body }: NodeOf<"Macro">, scope: Scope): Callable {
    return new Callable(
      name.value,
      (given) => this.#expand(name.value, { args, body, given, scope }),
    );
  }

  #callBlock(
    { call, callerArgs, body }: NodeOf<"CallStatement">,
    scope: Scope,
  ): Value {
    const caller = new Callable(
      "caller",
      (given) =>
        this.#expand("caller", { args: callerArgs ?? [], body, given, scope }),
    );
    const { positional, named } = this.#arguments(call.args, scope);
    return callOf(this.#value(call.callee, scope), {
      positional,
      named: new Map([...named, ["caller", caller]]),
    });
  }

  /** The text of a macro, or of a block that is called. */
  #expand(
    name: string,
    { args, body, given: { positional, named }, scope }: {
      args: readonly Node[];
      body: readonly Node[];
      given: Arguments;
      scope: Scope;
    },
  ): string {
    const inner = new Scope(scope);
    const rest = new Map(named);
    inner.set("caller", present(rest.get("caller"), "caller"));
    rest.delete("caller");
    inner.set("varargs", new Sequence([], "tuple"));
    inner.set("kwargs", new Dict([]));
    if (positional.length > args.length) {
      throw new TypeError(
        `macro '${name}' takes not more than ${args.length} argument(s)`,
      );
    }
    const defaults: (() => void)[] = [];
    args.forEach((arg, i) => {
      const parameter = arg.type === "KeywordArgumentExpression"
        ? arg.key
        : arg as Name;
      const value = i < positional.length
        ? positional[i]
        : rest.get(parameter.value);
      if (i >= positional.length) rest.delete(parameter.value);
      inner.set(parameter.value, present(value, parameter.value));
      if (value === undefined && arg.type === "KeywordArgumentExpression") {
        defaults.push(() =>
          inner.set(parameter.value, this.#value(arg.value, inner))
        );
      }
    });
    for (const [extra] of rest) {
      throw new TypeError(
        `macro '${name}' takes no keyword argument '${extra}'`,
      );
    }
    defaults.forEach((set) => set());
    return this.#text(body, inner);
  }

  #filter(value: Value, node: Name | CallNode, scope: Scope): Value {
    const isCall = node.type === "CallExpression";
    const { value: name } = (isCall ? node.callee : node) as Name;
    const args = isCall ? this.#arguments(node.args, scope) : NONE;
    this.#spend(workOf(name, value));
    return filter(name, value, args);
  }

  #arguments(nodes: readonly Node[], scope: Scope): Arguments {
    const positional: Value[] = [];
    const named = new Map<string, Value>();
    const add = (name: string, value: Value) => {
      if (!named.has(name)) named.set(name, value);
      else throw new TypeError(`got multiple values for argument '${name}'`);
    };
    for (const node of nodes) {
      if (node.type === "KeywordArgumentExpression") {
        add(node.key.value, this.#value(node.value, scope));
      } else if (node.type === "SpreadExpression") {
        positional.push(...iterate(this.#value(node.argument, scope)));
      } else if (node.type === "KeywordSpreadExpression") {
        const rest = this.#value(node.argument, scope);
        if (!(rest instanceof Dict)) {
          throw new TypeError(
            `argument after ** must be a mapping, not ${typeOf(rest)}`,
          );
        }
        rest.entries().forEach(([key, value]) => add(String(key), value));
      } else positional.push(this.#value(node, scope));
    }
    return { positional, named };
  }

  /** The value of an expression. */
  #value(node: Node, scope: Scope): Value {
    const value = this.#valueOf(node, scope);
    const isNew = node.type !== "Identifier" && value instanceof Sequence;
    const text = node.type === "Identifier" ? null : textIn(value);
    this.#spend(
      STEP + (isNew ? value.items.length * STEP : bounded(text?.length ?? 0)),
    );
    return value;
  }

  #valueOf(node: Node, scope: Scope): Value {
    switch (node.type) {
      case "IntegerLiteral":
      case "StringLiteral":
        return node.value;
      case "FloatLiteral":
        return new Float(node.value);
      case "ArrayLiteral":
        return new Sequence(node.value.map((item) => this.#value(item, scope)));
      case "TupleLiteral":
        return new Sequence(
          node.value.map((item) => this.#value(item, scope)),
          "tuple",
        );
      case "ObjectLiteral":
        return new Dict(
          [...node.value].map(([key, value]) => [
            keyOf(this.#value(key, scope)),
            this.#value(value, scope),
          ]),
        );
      case "Identifier":
        return Object.hasOwn(CONSTANTS, node.value)
          ? CONSTANTS[node.value]!
          : scope.get(node.value);
      case "MemberExpression":
        return this.#member(node, scope);
      case "CallExpression": {
        const callee = this.#value(node.callee, scope);
        return callOf(callee, this.#arguments(node.args, scope));
      }
      case "UnaryExpression": {
        const argument = this.#value(node.argument, scope);
        const { value: operator } = node.operator;
        return operator === "not"
          ? !isTrue(argument)
          : signed(operator, argument);
      }
      case "BinaryExpression":
        return this.#binary(node, scope);
      case "FilterExpression": {
        const operand = this.#value(node.operand, scope);
        return this.#filter(operand, node.filter, scope);
      }
      case "TestExpression": {
        const operand = this.#value(node.operand, scope);
        const { value: name } = node.test;
        this.#spend(HEAVY.test(name) ? reading(operand) : 0);
        if (!Object.hasOwn(TESTS, name)) {
          throw new Error(`no test named '${name}'`);
        }
        return TESTS[name]!(operand) !== node.negate;
      }
      case "SelectExpression":
        return isTrue(this.#value(node.test, scope))
          ? this.#value(node.lhs, scope)
          : new Undefined("an expression without else");
      case "Ternary":
        return this.#value(
          isTrue(this.#value(node.condition, scope))
            ? node.trueExpr
            : node.falseExpr,
          scope,
        );
      default:
        throw new SyntaxError(`unexpected ${node.type}`);
    }
  }

  #member(
    { object, property, computed }: NodeOf<"MemberExpression">,
    scope: Scope,
  ): Value {
    const value = this.#value(object, scope);
    this.#spend(textIn(value)?.length ?? 0);
    if (!computed && property.type === "Identifier") {
      const attribute = attributeOf(value, property.value);
      this.#spend(attribute instanceof Callable ? sizeOf(value) : 0);
      return attribute;
    }
    if (property.type !== "SliceExpression") {
      return itemOf(value, this.#value(property, scope));
    }
    const { start, stop, step } = property;
    const bounds = [start, stop, step].map((bound) =>
      bound && this.#value(bound, scope)
    );
    return sliceOf(value, bounds);
  }

  #binary(
    { operator: { value: operator }, left, right }: NodeOf<"BinaryExpression">,
    scope: Scope,
  ): Value {
    const first = this.#value(left, scope);
    if (operator === "and" || operator === "or") {
      return isTrue(first) === (operator === "or")
        ? first
        : this.#value(right, scope);
    }
    // The parser cannot tell `a ~ b * c` from `(a ~ b) * c`.
    if (
      left.type === "BinaryExpression" && left.operator.value === "~" &&
      /^[*/%]/.test(operator)
    ) {
      throw new SyntaxError(`cannot tell what ${operator} after ~ belongs to`);
    }
    const second = this.#value(right, scope);
    const isMember = /in$/.test(operator);
    this.#spend(
      isMember ? reading(second) : Math.min(reading(first), reading(second)),
    );
    return OPERATORS[operator]!(first, second);
  }
}

/** The work of running through the characters or items of a value. */
function sizeOf(value: Value): number {
  if (value instanceof Sequence) return value.items.length * ITEM;
  return textIn(value)?.length ?? 0;
}

/** The work of reading all that is in a value. */
function reading(value: Value): number {
  return weightOf(value) * (textIn(value) === null ? ITEM : 1);
}

/** The work of a filter, without that of making its result. */
function workOf(name: string, value: Value): number {
  if (HEAVY.test(name)) return reading(value);
  return LIGHT.test(name) ? textIn(value)?.length ?? 0 : sizeOf(value);
}

function callOf(callee: Value, args: Arguments): Value {
  if (callee instanceof Callable) return callee.call(args);
  throw new TypeError(
    callee instanceof Undefined
      ? `'${callee.name}' is undefined`
      : `'${typeOf(callee)}' object is not callable`,
  );
}

function keyOf(value: Value): Key {
  const key = textIn(value) ?? value;
  if (typeof key === "string" || typeof key === "number") return key;
  throw new TypeError(
    `cannot use a value of type ${typeOf(value)} as a key of an object`,
  );
}

/** Writes the body of a block of generation. */
const writeGeneration = new Callable(
  GENERATION,
  ({ named }) => callOf(present(named.get("caller"), "caller"), NONE),
);
