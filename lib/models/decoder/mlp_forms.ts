import type { Value } from "../../onnx/graph.ts";
import { activate, ACTIVATIONS, gated } from "../../ops/activation.ts";
import { split } from "../../ops/shaping.ts";
import type { Architecture } from "../architecture.ts";
import type { BlockParameters, LinearLayer } from "./projection_forms.ts";

export type MlpForm = "gated" | "joined gate" | "plain";

interface Mlp {
  layers(architecture: Architecture): readonly LinearLayer[];
  apply(
    x: Value,
    block: BlockParameters,
    architecture: Architecture,
  ): Value;
}

/** Feed-forward layers. */
export const MLPS: Readonly<Record<MlpForm, Mlp>> = {
  /** W_down (f(W_gate x) · W_up x) */
  gated: {
    layers: ({ names, hiddenSize, intermediateSize }) => [
      { module: names.gate, outputs: intermediateSize, inputs: hiddenSize },
      { module: names.up, outputs: intermediateSize, inputs: hiddenSize },
      { module: names.down, outputs: hiddenSize, inputs: intermediateSize },
    ],
    apply: (x, { linear }, { names, activation }) => {
      const [gate, up] = [linear(x, names.gate), linear(x, names.up)];
      return linear(gated(ACTIVATIONS[activation], gate, up), names.down);
    },
  },
  /** The same with W_gate and W_up in one matrix. */
  "joined gate": {
    layers: ({ names, hiddenSize, intermediateSize }) => [
      {
        module: names.gateUp,
        outputs: 2 * intermediateSize,
        inputs: hiddenSize,
      },
      { module: names.down, outputs: hiddenSize, inputs: intermediateSize },
    ],
    apply: (x, { linear }, { names, activation, intermediateSize }) => {
      const both = linear(x, names.gateUp);
      const sizes = [intermediateSize, intermediateSize];
      const [gate, up] = split(both, sizes, -1);
      return linear(gated(ACTIVATIONS[activation], gate!, up!), names.down);
    },
  },
  /** W_down f(W_up x) */
  plain: {
    layers: ({ names, hiddenSize, intermediateSize }) => [
      { module: names.up, outputs: intermediateSize, inputs: hiddenSize },
      { module: names.down, outputs: hiddenSize, inputs: intermediateSize },
    ],
    apply: (x, { linear }, { names, activation }) => {
      const up = linear(x, names.up);
      return linear(activate(ACTIVATIONS[activation], up), names.down);
    },
  },
};
