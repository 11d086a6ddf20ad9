import { parse, tokenize } from "@huggingface/jinja";

/** Several times the longest template in use. */
const MAX_SOURCE = 1 << 18;
/** Runs of white space take the parser the square of their length. */
const MAX_RUN = 1000;

const LONG_RUN = new RegExp(`\\s{${MAX_RUN + 1}}`);

/** A node of a template's syntax tree. */
export type Node =
  | { type: "Program"; body: Node[] }
  | { type: "If"; test: Node; body: Node[]; alternate: Node[] }
  | {
    type: "For";
    loopvar: Node;
    iterable: Node;
    body: Node[];
    defaultBlock: Node[];
  }
  | { type: "Break" | "Continue" | "Comment" }
  | { type: "Set"; assignee: Node; value: Node | null; body: Node[] }
  | { type: "Macro"; name: Name; args: Node[]; body: Node[] }
  | {
    type: "CallStatement";
    call: CallNode;
    callerArgs: Node[] | null;
    body: Node[];
  }
  | { type: "FilterStatement"; filter: Name | CallNode; body: Node[] }
  | { type: "IntegerLiteral" | "FloatLiteral"; value: number }
  | { type: "StringLiteral"; value: string }
  | { type: "ArrayLiteral" | "TupleLiteral"; value: Node[] }
  | { type: "ObjectLiteral"; value: Map<Node, Node> }
  | Name
  | CallNode
  | {
    type: "MemberExpression";
    object: Node;
    property: Node;
    computed: boolean;
  }
  | { type: "SliceExpression"; start?: Node; stop?: Node; step?: Node }
  | { type: "UnaryExpression"; operator: { value: string }; argument: Node }
  | BinaryNode
  | { type: "FilterExpression"; operand: Node; filter: Name | CallNode }
  | { type: "TestExpression"; operand: Node; negate: boolean; test: Name }
  | { type: "SelectExpression"; lhs: Node; test: Node }
  | { type: "Ternary"; condition: Node; trueExpr: Node; falseExpr: Node }
  | { type: "KeywordArgumentExpression"; key: Name; value: Node }
  | { type: "SpreadExpression" | "KeywordSpreadExpression"; argument: Node };

/** An identifier. */
export type Name = { type: "Identifier"; value: string };
/** A call of a function, or a filter with arguments. */
export type CallNode = { type: "CallExpression"; callee: Node; args: Node[] };
/** An operation of two values. */
export type BinaryNode = {
  type: "BinaryExpression";
  operator: { value: string };
  left: Node;
  right: Node;
};
/** The node of a type. */
export type NodeOf<T extends Node["type"]> = Extract<Node, { type: T }>;

/** The function that a block of generation calls, which no template can write. */
export const GENERATION = "generation_of_assistant_0";

/**
 * Parses a template with the white space control of transformers: `trim_blocks`,
 * `lstrip_blocks`, one newline at the end left out, and each `\r\n` and `\r` read
 * as `\n`. Blocks of `generation` are calls.
 *
 * @throws Error where the source is not valid Jinja, or too long.
 */
export function parseTemplate(source: string): NodeOf<"Program"> {
  if (source.length > MAX_SOURCE) {
    throw new RangeError(
      `its source has ${source.length} characters, ` +
        `expected no more than ${MAX_SOURCE}`,
    );
  }
  if (LONG_RUN.test(source)) {
    throw new RangeError(
      `its source has a run of white space of more than ${MAX_RUN}`,
    );
  }
  const options = { "lstrip_blocks": true, "trim_blocks": true };
  const tokens = tokenize(
    source.replace(/\r\n?/g, "\n")
      .replace(/(\{%-?)\s*generation\s*(?=-?%\})/g, `$1 call ${GENERATION}() `)
      .replace(/(\{%-?)\s*endgeneration\s*(?=-?%\})/g, "$1 endcall "),
    options,
  );
  // The parser has `~` bind no closer than `+`; Jinja puts it between `+` and `*`.
  for (const token of tokens) {
    if (token.value === "~" && token.type === "AdditiveBinaryOperator") {
      token.type = "MultiplicativeBinaryOperator";
    }
  }
  return parse(tokens) as NodeOf<"Program">;
}
