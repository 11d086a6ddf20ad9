import { ok } from "node:assert/strict";
import { Graph, type Value } from "lib/onnx/graph/graph.ts";
import type { Device } from "lib/onnx/providers.ts";
import { compile } from "lib/onnx/session.ts";
import { hostData } from "lib/onnx/tensors.ts";
import { gradient } from "lib/grad.ts";
import { log1mExp, logistic, softplus } from "lib/ops/special.ts";
import { sum } from "lib/ops/shaping.ts";
import { webgpuTest } from "../webgpu.ts";

type Scalar = (x: number) => number;

/** Both sides of 0, up to where a float32 result still has all its digits. */
const SIZES = [1e-9, 1e-7, 1e-3, 0.1, 0.7, 1, 3, 5, 9, 15, 17, 20, 50, 87];
const SIDES = [0, ...SIZES, 1e3, 1e4].flatMap((x) => [x, -x]);
const BELOW_0 = [1e-7, 1e-6, 1e-5, ...SIZES.slice(2), 1e3, 1e4].map((x) => -x);

const sigma: Scalar = (x) =>
  Math.exp(Math.min(x, 0)) / (1 + Math.exp(-Math.abs(x)));

interface Case {
  readonly op: (x: Value) => Value;
  readonly value: Scalar;
  readonly slope: Scalar;
  readonly points: readonly number[];
  /** Absolute error that is allowed besides the relative one. */
  readonly tiny: number;
}

const CASES: Record<string, Case> = {
  logistic: {
    op: logistic,
    value: sigma,
    slope: (x) => sigma(x) * sigma(-x),
    points: SIDES,
    tiny: 1e-37,
  },
  softplus: {
    op: softplus,
    value: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
    slope: sigma,
    points: SIDES,
    tiny: 1e-37,
  },
  log1mExp: {
    op: log1mExp,
    value: (x) => Math.log(-Math.expm1(x)),
    slope: (x) => -1 / Math.expm1(-x),
    points: BELOW_0,
    // Where it is added to x, which is far larger.
    tiny: 2e-7,
  },
};

/** Relative error allowed; WGSL's exp(x) is off by up to 3 + 2|x| units. */
const EXPONENTIAL = { cpu: 2e-6, webgpu: 1e-5, cuda: 2e-6 };

async function checkTails(name: string, on: Device): Promise<void> {
  const { op, value, slope, points, tiny } = CASES[name]!;
  const x = new Graph().input("x", ["n"]);
  const y = op(x);
  const dx = gradient(sum(y), [x])[0]!;
  const program = await compile({ y, dx }, { device: on, strict: true });
  const data = Float32Array.from(points);
  const found = await program.run({ x: { data, shape: [data.length] } });
  await program.release();
  const check = (found: number, expected: number, what: string) =>
    ok(
      Math.abs(found - expected) <= tiny + EXPONENTIAL[on] * Math.abs(expected),
      `${what} is ${found}, expected ${expected}`,
    );
  data.forEach((x, i) => {
    check(hostData(found["y"])[i]!, value(x), `${name}(${x})`);
    check(hostData(found["dx"])[i]!, slope(x), `slope of ${name} at ${x}`);
  });
}

for (const name of Object.keys(CASES)) {
  const title = `${name} and its slope keep float32's digits in both tails`;
  Deno.test(title, () => checkTails(name, "cpu"));
  webgpuTest(`${title} on WebGPU`, () => checkTails(name, "webgpu"));
}
