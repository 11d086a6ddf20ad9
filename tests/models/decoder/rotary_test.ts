import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { inverseFrequencies } from "lib/models/decoder/rotary.ts";

Deno.test("default rotary frequencies are powers of theta", () => {
  const rope = { theta: 10000, scaling: null };
  deepStrictEqual(
    inverseFrequencies({ headDim: 8, rope }),
    Float32Array.of(1, 0.1, 0.01, 0.001),
  );
});

Deno.test("a part of a head has frequencies of its own size", () => {
  const rope = { theta: 10000, scaling: null, size: 4 };
  deepStrictEqual(
    inverseFrequencies({ headDim: 16, rope }),
    Float32Array.of(1, 0.01),
  );
});

Deno.test("linear scaling divides all frequencies", () => {
  const scaling = { kind: "linear", factor: 4 } as const;
  deepStrictEqual(
    inverseFrequencies({ headDim: 4, rope: { theta: 10000, scaling } }),
    Float32Array.of(0.25, 0.0025),
  );
});

Deno.test("pairs may be stretched each by a factor of its own", () => {
  const scaling = { kind: "pairs", factors: [1, 4], amplitude: 2 } as const;
  deepStrictEqual(
    inverseFrequencies({ headDim: 4, rope: { theta: 10000, scaling } }),
    Float32Array.of(1, 0.0025),
  );
});

/*
Python, in float64, after the formula of transformers' modeling_rope_utils.py:

import math
dim, theta, factor, low, high, old = 64, 500000.0, 32.0, 1.0, 4.0, 8192
for i in range(0, dim, 2):
    f = 1.0 / theta ** (i / dim)
    wavelength = 2 * math.pi / f
    if wavelength < old / high: g = f
    elif wavelength > old / low: g = f / factor
    else:
        s = (old / wavelength - low) / (high - low)
        g = (1 - s) * f / factor + s * f
    print(g)
*/
const LLAMA_3_2_1B = [
  1.0,
  0.6636012376960885,
  0.44036660267178046,
  0.2922278225730151,
  0.19392274474868576,
  0.12868737343265052,
  0.08539710028576561,
  0.056669621445291044,
  0.03760603093086393,
  0.024955408670558694,
  0.016560440080994446,
  0.010989528534539826,
  0.0072926647372171085,
  0.004839421345719893,
  0.0032114459947525913,
  0.001290547928209264,
  0.00042955679655936815,
  9.70828780262767e-05,
  1.9461638184831125e-05,
  1.291476718704739e-05,
  8.570255489881478e-06,
  5.687232150457046e-06,
  3.7740542941082826e-06,
  2.5044671007024935e-06,
  1.661967467795309e-06,
  1.102883668639601e-06,
  7.318749675440419e-07,
  4.856731343010108e-07,
  3.2229329303788936e-07,
  2.138742281610915e-07,
  1.4192720251899592e-07,
  9.418306725434909e-08,
];

Deno.test("Llama 3 stretches its rotary frequencies as transformers does", () => {
  const frequencies = inverseFrequencies({
    headDim: 64,
    rope: {
      theta: 5e5,
      scaling: {
        kind: "llama3",
        factor: 32,
        lowFrequencyFactor: 1,
        highFrequencyFactor: 4,
        originalMaxPositions: 8192,
      },
    },
  });
  strictEqual(frequencies.length, 32);
  for (const [i, expected] of LLAMA_3_2_1B.entries()) {
    const error = Math.abs(frequencies[i]! / expected - 1);
    ok(error < 2 ** -23, `frequency ${i}: ${frequencies[i]}, not ${expected}`);
  }
});
