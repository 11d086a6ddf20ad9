import { ok } from "node:assert/strict";
import type { Value } from "lib/onnx/graph/graph.ts";
import { compile } from "lib/onnx/session.ts";
import { hostData, type HostTensor } from "lib/onnx/tensors.ts";
import { gradient } from "lib/grad.ts";

/**
 * Compares `gradient(loss, inputs)` with central finite differences, for every
 * element of every input. The graph must be float64.
 */
export async function checkGradient(
  loss: Value,
  inputs: readonly Value[],
  feeds: Readonly<Record<string, HostTensor>>,
): Promise<void> {
  const grads = gradient(loss, inputs);
  const outputs = Object.fromEntries(
    inputs.map(({ name }, i) => [`d${name}`, grads[i]!]),
  );
  const program = await compile({ loss, ...outputs });
  try {
    const exact = await program.run(feeds);
    const at = async (moved: Record<string, HostTensor>) =>
      Number(hostData((await program.run({ ...feeds, ...moved }))["loss"])[0]);
    for (const { name } of inputs) {
      const { data, shape } = feeds[name]!;
      for (let i = 0; i < data.length; i++) {
        const shifted = async (h: number) => {
          const copy = data.slice();
          copy[i]! += h;
          return await at({ [name]: { data: copy, shape } });
        };
        const h = 1e-6;
        const numeric = (await shifted(h) - await shifted(-h)) / (2 * h);
        const found = hostData(exact[`d${name}`])[i]!;
        ok(
          Math.abs(numeric - found) < 1e-7 * (1 + Math.abs(numeric)),
          `d${name}[${i}] is ${found}, finite difference ${numeric}`,
        );
      }
    }
  } finally {
    await program.release();
  }
}

/** Distinct values in [0.5, 1.5], in float64. */
export function spread(shape: readonly number[], phase = 0): HostTensor {
  const size = shape.reduce((a, b) => a * b, 1);
  const data = Float64Array.from(
    { length: size },
    (_, i) => 1 + Math.sin(i + phase) / 2,
  );
  return { data, shape };
}
