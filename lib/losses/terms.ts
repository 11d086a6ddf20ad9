import type { Value } from "../onnx/graph/graph.ts";
import { add, mul } from "../ops/elementwise.ts";
import type { LossInputs } from "./batch.ts";
import { BATCHES, type Batches } from "./batches.ts";
import type { Combination, Loss, LossOf, LossTerms } from "./loss.ts";
import type { LossOptionValues } from "./options.ts";

/** The loss of each example of a micro-batch, in the graph of its inputs. */
export function lossTerms(
  loss: Loss,
  options: LossOptionValues,
  inputs: LossInputs,
): LossTerms {
  return "parts" in loss
    ? combinedTerms(loss, options, inputs)
    : plainTerms(loss, options, inputs);
}

/** Σ weight · loss, with each loss and its own parts as metrics. */
function combinedTerms(
  { parts, data }: Combination,
  options: LossOptionValues,
  inputs: LossInputs,
): LossTerms {
  const metrics: Record<string, Value> = {};
  const weighted = parts.map(({ loss, weight }) => {
    const terms = plainTerms(loss, options, inputs);
    const isPartial = data === "labels" && loss.data === "completions";
    const each = isPartial
      ? mul(inputs.batch.desirable, terms.loss)
      : terms.loss;
    Object.assign(metrics, terms.metrics, { [`loss/${loss.id}`]: each });
    return mul(weight, each);
  });
  return { loss: weighted.reduce(add), metrics };
}

function plainTerms<K extends keyof Batches>(
  loss: LossOf<K>,
  options: LossOptionValues,
  inputs: LossInputs,
): LossTerms {
  const terms = Object.keys(loss.options).map((name) => {
    const value = options[name]!;
    return [name, typeof value === "number" ? inputs.options[name]! : value];
  });
  return loss.terms(BATCHES[loss.data](inputs), Object.fromEntries(terms));
}
