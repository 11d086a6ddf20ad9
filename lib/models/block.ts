import type { Value } from "../onnx/graph.ts";
import { add } from "../ops/elementwise.ts";
import type { Architecture } from "./architecture.ts";
import type { Attention } from "./attention.ts";
import type { Parameters } from "./decoder.ts";
import { MLPS } from "./mlp_forms.ts";
import { NORMS } from "./norm_forms.ts";
import { PROJECTIONS } from "./projection_forms.ts";

/** What the blocks of a decoder are made of. */
export interface Parts {
  readonly architecture: Architecture;
  readonly parameters: Parameters;
  readonly attention: Attention;
}

/**
 * Block number `index`: attention and a feed-forward layer, each added to what
 * it reads, with those norms before and after it that the model has.
 */
export function block(x: Value, index: number, parts: Parts): Value {
  const { architecture, parameters, attention } = parts;
  const { names, parallel } = architecture;
  const place = `${names.layers}.${index}`;
  const linear = (x: Value, module: string) =>
    parameters.linear(x, `${place}.${module}.weight`);
  const norm = (x: Value, module: string | null) =>
    module ? normed(x, `${place}.${module}`, parts) : x;
  const attend = (x: Value) => {
    const form = PROJECTIONS[architecture.projections];
    const [q, k, v] = form.apply(x, linear, architecture);
    const output = attention({ q: q!, k: k!, v: v! }, index, norm);
    return norm(linear(output, names.attentionOutput), names.attentionOut);
  };
  const feed = (x: Value) =>
    norm(MLPS[architecture.mlp].apply(x, linear, architecture), names.mlpOut);

  const h = norm(x, names.attentionIn);
  if (parallel) {
    const g = names.mlpIn ? norm(x, names.mlpIn) : h;
    return add(x, add(attend(h), feed(g)));
  }
  const y = add(x, attend(h));
  return add(y, feed(norm(y, names.mlpIn)));
}

/** x under the norm of a name. */
export function normed(
  x: Value,
  module: string,
  { architecture, parameters }: Omit<Parts, "attention">,
): Value {
  const part = (name: string) => parameters.value(`${module}.${name}`);
  return NORMS[architecture.norm].apply(x, part, architecture.normEpsilon);
}
