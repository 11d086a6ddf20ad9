import { deepStrictEqual, ok } from "node:assert/strict";
import { createJobs } from "experiments/reviews/jobs.ts";
import type { Device } from "lib/onnx/providers.ts";
import { webgpuTest } from "../webgpu.ts";
import { TINY } from "./tiny_settings.ts";

/** A run of DPO in a few steps, as a software driver takes seconds for each. */
const SETTINGS = {
  ...TINY,
  methods: TINY.methods.slice(0, 1),
  referenceModel: { ...TINY.referenceModel, steps: 3, batch: 4, heldOut: 4 },
  training: { ...TINY.training, steps: 2, batch: 4 },
  evaluation: { steps: [2], samplesPerPrompt: 1, maxNewTokens: 6 },
};
const POINT = { draw: 0, seed: 1, level: {}, ...SETTINGS.methods[0]! };

async function lines(device: Device) {
  const { jobs, release } = await createJobs({ settings: SETTINGS, device });
  const start = await jobs.start(POINT.draw);
  const data = await jobs.prepare({ ...POINT, start });
  const { rows } = await jobs.run({ point: POINT, start, data });
  await release();
  return rows;
}

webgpuTest(
  "a run of an experiment on WebGPU gives the CPU's figures",
  async () => {
    const [cpu, webgpu] = [await lines("cpu"), await lines("webgpu")];
    deepStrictEqual(webgpu.map(({ step }) => step), [0, 2]);
    const [, last] = cpu;
    ok(Number(last!["kl"]) > 1e-4 && last!["goldReward"] !== 0);
    for (const [i, line] of cpu.entries()) {
      for (const [name, expected] of Object.entries(line)) {
        const found = Number(webgpu[i]![name]);
        const error = Math.abs(found - Number(expected));
        const most = 1e-5 + 1e-3 * Math.abs(Number(expected));
        ok(error <= most, `${name} is ${found}, on the CPU ${expected}`);
      }
    }
  },
);
