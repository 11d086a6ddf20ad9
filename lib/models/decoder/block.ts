import type { Value } from "../../onnx/graph.ts";
import { add, scale } from "../../ops/elementwise.ts";
import type { Architecture } from "../config.ts";
import type { Attention } from "./attention.ts";
import {
  type BlockParameters,
  MLPS,
  NORMS,
  type Parameters,
  PROJECTIONS,
} from "./layers.ts";

/** The parts that all blocks of a decoder share. */
export interface Parts {
  readonly architecture: Architecture;
  readonly parameters: Parameters;
  readonly attention: Attention;
}

/**
 * Applies block number `index`: attention and a feed-forward layer, each added
 * to its input, with the norms before and after it that the model has.
 */
export function block(x: Value, index: number, parts: Parts): Value {
  const { architecture, attention } = parts;
  const { names, parallel, residualScale } = architecture;
  const own = blockParameters(index, parts);
  const attend = (x: Value) => {
    const variant = PROJECTIONS[architecture.projections];
    const [q, k, v] = variant.apply(x, own, architecture);
    const output = attention({ q: q!, k: k!, v: v! }, index, own);
    const mixed = own.linear(output, names.attentionOutput);
    return scale(own.norm(mixed, names.attentionOut), residualScale);
  };
  const feed = (x: Value) => {
    const fed = MLPS[architecture.mlp].apply(x, own, architecture);
    return scale(own.norm(fed, names.mlpOut), residualScale);
  };

  const h = own.norm(x, names.attentionIn);
  if (parallel) {
    const g = names.mlpIn ? own.norm(x, names.mlpIn) : h;
    return add(x, add(attend(h), feed(g)));
  }
  const y = add(x, attend(h));
  return add(y, feed(own.norm(y, names.mlpIn)));
}

function blockParameters(
  index: number,
  parts: Pick<Parts, "architecture" | "parameters">,
): BlockParameters {
  const { architecture, parameters } = parts;
  const prefix = `${architecture.names.layers}.${index}`;
  return {
    linear: (x, module) => parameters.linear(x, `${prefix}.${module}.weight`),
    norm: (x, module) => module ? normed(x, `${prefix}.${module}`, parts) : x,
    value: (name) => parameters.value(`${prefix}.${name}`),
  };
}

/** Applies the norm of a name to x. */
export function normed(
  x: Value,
  module: string,
  { architecture, parameters }: Pick<Parts, "architecture" | "parameters">,
): Value {
  const part = (name: string) => parameters.value(`${module}.${name}`);
  return NORMS[architecture.norm].apply(x, part, architecture.normEpsilon);
}
