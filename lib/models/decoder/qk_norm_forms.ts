import type { Value } from "../../onnx/graph.ts";
import { mul } from "../../ops/elementwise.ts";
import { layerNorm } from "../../ops/norm.ts";
import { concat, unsqueeze } from "../../ops/shaping.ts";
import type { Architecture } from "../architecture.ts";
import { normVectors } from "./norm_forms.ts";
import type { BlockParameters } from "./projection_forms.ts";

export type QkNormForm = "none" | "head" | "whole" | "each head";

interface QkNorm {
  /** Its parameters, of so many heads. */
  vectors(
    module: string,
    count: number,
    architecture: Architecture,
  ): { name: string; size: number }[];
  /** Queries or keys by head, `[N, count, size]`, from how they were projected. */
  apply(x: Value, options: QkNormOptions): Value;
}

interface QkNormOptions {
  readonly module: string;
  readonly count: number;
  readonly byHead: (x: Value) => Value;
  readonly block: BlockParameters;
  readonly architecture: Architecture;
}

/** Ways in which queries and keys are normalised. */
export const QK_NORMS: Readonly<Record<QkNormForm, QkNorm>> = {
  none: { vectors: () => [], apply: (x, { byHead }) => byHead(x) },
  /** Each head, all by the same norm. */
  head: {
    vectors: (module, _count, { norm, headDim: size }) =>
      normVectors(norm, module).map((name) => ({ name, size })),
    apply: (x, { module, byHead, block }) => block.norm(byHead(x), module),
  },
  /** All heads together. */
  whole: {
    vectors: (module, count, { norm, headDim }) =>
      normVectors(norm, module)
        .map((name) => ({ name, size: count * headDim })),
    apply: (x, { module, byHead, block }) => byHead(block.norm(x, module)),
  },
  /** Each head by a layer norm of its own, without a bias. */
  "each head": {
    vectors: (module, count, { headDim: size }) =>
      ownWeights(module, count).map((name) => ({ name, size })),
    apply: (x, { module, count, byHead, block, architecture }) => {
      const unit = layerNorm(byHead(x), null, architecture.normEpsilon);
      const rows = ownWeights(module, count)
        .map((name) => unsqueeze(block.value(name), [0]));
      return mul(unit, concat(rows, 0));
    },
  },
};

function ownWeights(module: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${module}.norms.${i}.weight`);
}
