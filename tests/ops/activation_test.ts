import { ok } from "node:assert/strict";
import { gradient } from "lib/grad.ts";
import { Graph } from "lib/onnx/graph/graph.ts";
import type { Float } from "lib/onnx/graph/tensor_type.ts";
import { compile } from "lib/onnx/session.ts";
import { hostData } from "lib/onnx/tensors.ts";
import {
  activate,
  ACTIVATION_NAMES,
  type ActivationName,
} from "lib/ops/activation.ts";
import { sum } from "lib/ops/shaping.ts";

const POINTS = [-30, -6, -2.5, -0.1, 0, 0.7, 3, 6, 30];

/*
f(x) and f′(x) of PyTorch 2.15 in float64:

y = torch.nn.functional.gelu(x, approximate="none")  # or "tanh", or silu(x)
y.sum().backward()
*/
const TORCH: Readonly<Record<ActivationName, readonly [number[], number[]]>> = {
  gelu: [
    [
      -0,
      -5.919525869479969e-09,
      -0.015524163314440398,
      -0.0460172162722971,
      0,
      0.5306254434438489,
      2.99595030590511,
      5.999999994080474,
      30,
    ],
    [
      -4.420938404635643e-195,
      -3.546870945402639e-08,
      -0.03761108590814519,
      0.4204769079752698,
      0.5,
      0.9766141011336599,
      1.011945647204184,
      1.0000000354687093,
      1,
    ],
  ],
  "gelu-tanh": [
    [
      -0,
      -8.43964897967453e-11,
      -0.015084266089998577,
      -0.04601724895456484,
      0,
      0.5305701347051167,
      2.996362607918227,
      5.9999999999156035,
      30,
    ],
    [
      0,
      -7.709976012836329e-10,
      -0.03795157621266618,
      0.4204782107282433,
      0.5,
      0.976357218656104,
      1.0115841666309695,
      1.0000000007709977,
      1,
    ],
  ],
  silu: [
    [
      -2.8072868906517896e-12,
      -0.014835738939808647,
      -0.18964545005310887,
      -0.047502081252106004,
      0,
      0.46773144051771626,
      2.8577223804672998,
      5.985164261060192,
      29.999999999997197,
    ],
    [
      -2.713710660963134e-12,
      -0.012326432591525513,
      -0.09940111134152683,
      0.4500832085017708,
      0.5,
      0.8233867834733425,
      1.0881041060151693,
      1.0123264325915249,
      1.000000000002711,
    ],
  ],
};

/** float64 has no kernel of most of them: what they are lowered to is tested. */
const BOUNDS: Readonly<Record<Float, number>> = {
  float32: 6e-7,
  float64: 1e-14,
};

for (const name of ACTIVATION_NAMES) {
  for (const float of ["float32", "float64"] as const) {
    Deno.test(`${name} and its slope are PyTorch's in ${float}, far out too`, async () => {
      const x = new Graph({ float }).input("x", ["n"]);
      const y = activate(name, x);
      const [slope] = gradient(sum(y), [x]);
      const program = await compile({ y, slope: slope! });
      const data = float === "float32"
        ? Float32Array.from(POINTS)
        : Float64Array.from(POINTS);
      const found = await program.run({ x: { data, shape: [data.length] } });
      await program.release();
      const [values, slopes] = TORCH[name];
      const bound = BOUNDS[float];
      for (const [i, point] of POINTS.entries()) {
        assertNear(hostData(found["y"])[i]!, values[i]!, { bound, point });
        assertNear(hostData(found["slope"])[i]!, slopes[i]!, { bound, point });
      }
    });
  }
}

function assertNear(
  found: number,
  wanted: number,
  { bound, point }: { bound: number; point: number },
): void {
  ok(
    Math.abs(found - wanted) <= bound * Math.max(1, Math.abs(wanted)),
    `at ${point} found ${found}, expected ${wanted}`,
  );
}
