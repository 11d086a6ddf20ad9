import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import {
  createGenerator,
  type GenerateOptions,
} from "lib/models/generate/generate.ts";
import { quantizeWeights } from "lib/models/base_weights.ts";
import { loraPolicy, type Policy } from "lib/models/policy.ts";
import { openWeights } from "lib/models/weights/weights.ts";
import { OrtValue } from "lib/onnx/ffi/ort_value.ts";
import type { Tensors } from "lib/onnx/tensors.ts";
import { tensorsOf } from "lib/train/trained_parameters.ts";
import { Rng } from "lib/rng.ts";
import { assertClose } from "../../assert_close.ts";
import { webgpuTest } from "../../webgpu.ts";
import { temporaryFolder } from "../../temporary_folder.ts";
import { ONE_LAYER, randomDecoder, SMALL } from "../random_decoder.ts";
import { randomLora } from "../random_lora.ts";

const { policy, parameters } = randomDecoder({ ...SMALL, maxPositions: 60 });
const COMMON = Array.from({ length: 17 }, (_, i) => 1 + i % 9);

/** Prompts of several lengths, two of them equal. */
const APART = [[1, 5], [1, 4, 6, 3], [1, 5], [7]];
/** Prompts with a beginning that is computed once. */
const TOGETHER = [[...COMMON, 3], [...COMMON, 5, 2, 8], [...COMMON, 4, 4]];

/** Counts the bytes of tensors that runs on a device make and give back. */
function countRead(): { bytes: number } & Disposable {
  const { read } = OrtValue.prototype;
  const counter = {
    bytes: 0,
    [Symbol.dispose]: () => void (OrtValue.prototype.read = read),
  };
  OrtValue.prototype.read = function () {
    const array = read.call(this);
    counter.bytes += array.data.byteLength;
    return array;
  };
  return counter;
}

type Options = Pick<GenerateOptions, "temperature" | "topK" | "stopIds">;

/** Completions on both devices, and the bytes that came back from the second. */
async function generated(
  prompts: readonly (readonly number[])[],
  options: Options,
  model: { policy: Policy; parameters: Tensors } = { policy, parameters },
) {
  const found = [];
  for (const device of ["cpu", "webgpu"] as const) {
    const generator = await createGenerator(model.policy, {
      ...{ device, strict: true },
    });
    using counter = countRead();
    const completions = await generator.generate(prompts, {
      ...{ parameters: model.parameters, maxNewTokens: 7, samples: 2 },
      ...options,
      stream: (label) => new Rng(label),
    });
    found.push({ completions: completions.flat(), bytes: counter.bytes });
    await generator.release();
  }
  const [cpu, webgpu] = found;
  return {
    cpu: cpu!.completions,
    webgpu: webgpu!.completions,
    bytes: webgpu!.bytes,
  };
}

const WAYS: readonly Options[] = [
  ...[{ temperature: 0 }, { temperature: 0.7 }, {}],
  // Logits come back for it.
  { topK: 5 },
];

for (const [name, prompts] of Object.entries({ APART, TOGETHER })) {
  for (const way of WAYS) {
    const how = `prompts ${name.toLowerCase()}, ${JSON.stringify(way)}`;
    webgpuTest(`WebGPU draws the CPU's tokens: ${how}`, async () => {
      // Rows end at different steps, and others go on.
      const options = { ...way, stopIds: [2, 3] };
      const { cpu, webgpu } = await generated(prompts, options);
      deepStrictEqual(webgpu.map(({ ids }) => ids), cpu.map(({ ids }) => ids));
      ok(new Set(cpu.map(({ ids }) => ids.length)).size > 1);
      for (const kind of ["logProbs", "samplingLogProbs"] as const) {
        const [found, expected] = [webgpu, cpu].map((all) =>
          all.flatMap((one) => [...one[kind]])
        );
        assertClose(found!, expected!, { tolerance: 1e-5 });
      }
    });
  }
}

webgpuTest("tokens alone come back from a step on a device", async () => {
  const options = { temperature: 0, stopIds: [] };
  const { bytes, webgpu } = await generated(APART, options);
  // Logits of prompts are written to arrays; of each row that is computed there
  // are an id and two log-probabilities.
  const rows = 3 + 6 * webgpu.length;
  strictEqual(bytes, 4 * 3 * rows);
});

webgpuTest("WebGPU draws the CPU's tokens over weights of 4 bits", async () => {
  using folder = temporaryFolder();
  const sizes = { hiddenSize: 32, intermediateSize: 64 };
  const decoder = randomDecoder({ ...ONE_LAYER, ...sizes });
  const { lora } = await randomLora(folder.path, decoder);
  const stored = await openWeights(folder.path);
  const held = await quantizeWeights(decoder.config, stored, "int4");
  const policy = loraPolicy(decoder.config, held, lora);
  const parameters = tensorsOf(policy.trained, policy.initial);
  const options = { temperature: 0, stopIds: [] };
  const model = { policy, parameters };
  const { cpu, webgpu } = await generated(APART, options, model);
  deepStrictEqual(webgpu.map(({ ids }) => ids), cpu.map(({ ids }) => ids));
});
