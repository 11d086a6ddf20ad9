import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { dpo } from "lib/losses/dpo.ts";
import {
  BASE_WEIGHTS,
  type BaseWeights,
  quantizeWeights,
} from "lib/models/base_weights.ts";
import type { DecoderConfig } from "lib/models/config.ts";
import { linearParameters } from "lib/models/parameters.ts";
import { loadPolicy } from "lib/models/load_policy.ts";
import { loraPolicy, type Policy } from "lib/models/policy.ts";
import {
  quantize4,
  quantize8,
  quantizeRows,
} from "lib/models/weights/quantize.ts";
import { writeSafetensors } from "lib/models/weights/write_safetensors.ts";
import { openWeights, type Weights } from "lib/models/weights/weights.ts";
import type { NamedTensor } from "lib/models/weights/safetensors_header.ts";
import type { TrainerOptions } from "lib/train/trainer_options.ts";
import { ForwardPass } from "lib/train/forward_pass.ts";
import { assertClose } from "../assert_close.ts";
import { randomExamples } from "../random_examples.ts";
import {
  recorder,
  stepOptions,
  valuesOf,
  withTrainer,
} from "../train/random_trainer.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { randomDecoder, SMALL } from "./random_decoder.ts";
import { putStored } from "./put_stored.ts";
import { randomLora } from "./random_lora.ts";
import { putTinyModel, tensorsFor, withFolder } from "./tiny_model.ts";
import { UNLIKE_LLAMA } from "./unlike_llama.ts";
import { wholeNumberTest } from "../whole_numbers.ts";

/** Weights after quantization, by the arithmetic of the ONNX specification. */
const ROUNDED: Record<
  Exclude<BaseWeights, "float32">,
  (data: Float32Array, columns: number) => Float32Array
> = {
  half: (data) => Float32Array.from(Float16Array.from(data)),
  int8: (data, columns) => {
    const { codes, block, scales } = quantize8(data, columns);
    return widened(data, { columns, block, scales }, (i) => codes[i]! - 128);
  },
  int4: (data, columns) => {
    const { codes, block, scales } = quantize4(data, columns);
    return widened(data, { columns, block, scales }, (i) => {
      const byte = codes[Math.floor(i / 2)]!;
      return (i % 2 === 0 ? byte & 15 : byte >> 4) - 8;
    });
  },
  w8a16: (data, columns) => {
    const { codes, scales } = quantizeRows(data, columns);
    return data.map((_, i) => codes[i]! * scales[Math.floor(i / columns)]!);
  },
};

function widened(
  data: Float32Array,
  { columns, block, scales }: {
    columns: number;
    block: number;
    scales: Float32Array;
  },
  codeAt: (i: number) => number,
): Float32Array {
  const blocks = Math.ceil(columns / block);
  return data.map((_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    const scale = scales[row * blocks + Math.floor(column / block)]!;
    return scale * codeAt(row * blocks * block + column);
  });
}

/** log π of random examples, and the gradient of a DPO loss of theirs. */
function measure(
  policy: Policy,
  options: Partial<TrainerOptions> = {},
) {
  const examples = randomExamples(dpo, 5);
  return withTrainer(
    { loss: dpo, policy, optimizer: recorder, ...options },
    async (trainer) => {
      const logProbs = await trainer.logProbs(examples);
      await trainer.train(examples, { ...stepOptions(dpo), maxGradNorm: 0 });
      return { logProbs, gradients: await valuesOf(trainer, "seen") };
    },
  );
}

const AS_IT_IS = {
  kind: "lora",
  rank: 1,
  alpha: 1,
  targets: [],
  uniform: () => 0,
} as const;

/** Activations in 16 bits are that far off, through all layers. */
const IN_16_BITS = 1e-3;

/** Weights that are used twice, joined, or stored the other way round. */
const DECODERS: readonly (readonly [string, DecoderConfig])[] = [
  ["Llama's ways", SMALL],
  ...UNLIKE_LLAMA.filter(([, { tiedHead, inputsFirst = false }]) =>
    tiedHead || inputsFirst
  ),
];

for (const [kind, round] of Object.entries(ROUNDED)) {
  for (const [name, config] of DECODERS) {
    const test = kind === "w8a16" ? wholeNumberTest : Deno.test;
    test(`base weights in ${kind} are those that they are rounded to: ${name}`, async () => {
      using stored = temporaryFolder();
      using rounded = temporaryFolder();
      const decoder = randomDecoder(config);
      const { lora } = await randomLora(stored.path, decoder);
      const weights = await openWeights(stored.path);
      const tensors = await roundLinear(decoder.config, { weights, round });
      await writeSafetensors(`${rounded.path}/model.safetensors`, tensors);
      const wide = await openWeights(rounded.path);
      const held = await quantizeWeights(config, weights, kind as BaseWeights);
      const found = await measure(loraPolicy(config, held, lora));
      const expected = await measure(loraPolicy(config, wide, lora));
      const tolerance = kind === "w8a16" ? IN_16_BITS : 1e-5;
      assertClose(found.logProbs.flat(), expected.logProbs.flat(), {
        tolerance,
      });
      for (const [name, gradient] of expected.gradients) {
        assertClose(found.gradients.get(name)!, [...gradient], {
          tolerance,
          what: name,
        });
      }
      const exact = await measure(loraPolicy(config, weights, lora));
      ok(
        found.logProbs.flat().some((x, i) =>
          Math.abs(x - exact.logProbs.flat()[i]!) > 1e-4
        ),
        "rounding changes what is computed",
      );
    });
  }
}

wholeNumberTest(
  "gradients over activations of 16 bits point where others do, recomputed or not",
  async () => {
    using stored = temporaryFolder();
    using rounded = temporaryFolder();
    const { lora } = await randomLora(stored.path, randomDecoder(SMALL));
    const weights = await openWeights(stored.path);
    const tensors = await roundLinear(SMALL, {
      weights,
      round: ROUNDED.w8a16,
    });
    await writeSafetensors(`${rounded.path}/model.safetensors`, tensors);
    const wide = await openWeights(rounded.path);
    const held = await quantizeWeights(SMALL, weights, "w8a16");
    const gradientsOf = async (weights: Weights, recomputedLayers = 0) => {
      const policy = loraPolicy(SMALL, weights, lora);
      const { gradients } = await measure(policy, { recomputedLayers });
      return [...gradients.values()].flatMap((gradient) => [...gradient]);
    };
    const found = await gradientsOf(held);
    const similarity = cosine(found, await gradientsOf(wide));
    ok(similarity > 0.99999 && similarity < 1, `cosine ${similarity}`);
    deepStrictEqual(await gradientsOf(held, 1), found);
  },
);

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

/** A model's tensors, those of its linear layers rounded. */
async function roundLinear(
  config: DecoderConfig,
  { weights, round }: { weights: Weights; round: typeof ROUNDED["int8"] },
): Promise<NamedTensor[]> {
  const linear = new Set(linearParameters(config).map(({ name }) => name));
  return await Promise.all(
    weights.names().map(async (name) => {
      const { shape } = weights.get(name)!;
      const data = await weights.read(name);
      return {
        name,
        shape,
        data: linear.has(name) ? round(data, shape.at(-1)!) : data,
      };
    }),
  );
}

Deno.test("graphs over weights that are held otherwise have other hashes", async () => {
  using folder = temporaryFolder();
  const { lora } = await randomLora(folder.path);
  const weights = await openWeights(folder.path);
  const hashes = await Promise.all(BASE_WEIGHTS.map(async (kind) => {
    const held = await quantizeWeights(SMALL, weights, kind);
    const forward = new ForwardPass({ policy: loraPolicy(SMALL, held, lora) });
    const hash = await forward.hash();
    await forward.release();
    return hash;
  }));
  strictEqual(new Set(hashes).size, BASE_WEIGHTS.length);
});

Deno.test("weights stored in half precision lose nothing in half", async () => {
  using folder = temporaryFolder();
  const { lora } = await randomLora(folder.path);
  const stored = await openWeights(folder.path);
  const tensors = await Promise.all(
    stored.names().map(async (name) => ({
      name,
      shape: stored.get(name)!.shape,
      data: Float16Array.from(await stored.read(name)),
    })),
  );
  for (const dtype of ["F16", "BF16"]) {
    await putHalf(`${folder.path}/model.safetensors`, dtype, tensors);
    const weights = await openWeights(folder.path);
    const half = await quantizeWeights(SMALL, weights, "half");
    const [found, expected] = [half, weights].map((weights) =>
      measure(loraPolicy(SMALL, weights, lora))
    );
    deepStrictEqual(await found, await expected, dtype);
  }
});

Deno.test("full tuning and numbers beyond float16 are refused", () =>
  withFolder(async (folder) => {
    await putTinyModel(folder, (tensors) => {
      tensors.find(({ name }) => /up_proj/.test(name))!.data[0] = 7e4;
      return tensors;
    });
    await rejects(
      loadPolicy(folder, { kind: "full" }, { baseWeights: "int8" }),
      /Cannot hold base weights as int8 in full tuning/,
    );
    await rejects(
      loadPolicy(folder, AS_IT_IS, { baseWeights: "half" }),
      /up_proj.weight" of .*model.safetensors in float16: a value is beyond/,
    );
  }));

/** A safetensors file of such bits: for BF16 they mean other numbers. */
async function putHalf(
  path: string,
  dtype: string,
  tensors: readonly {
    name: string;
    shape: readonly number[];
    data: Float16Array;
  }[],
): Promise<void> {
  let end = 0;
  const entries = tensors.map(({ name, shape, data }) => {
    const offsets = [end, end += data.byteLength];
    return [name, { dtype, shape, "data_offsets": offsets }];
  });
  const header = new TextEncoder().encode(
    JSON.stringify(Object.fromEntries(entries)).padEnd(8192),
  );
  const length = new Uint8Array(BigUint64Array.of(8192n).buffer);
  const bytes = tensors.flatMap(({ data }) => [...new Uint8Array(data.buffer)]);
  await Deno.writeFile(path, Uint8Array.of(...length, ...header, ...bytes));
}

Deno.test("weights in float64 compute as those in float32 do, however they are held", () =>
  withFolder(async (folder) => {
    await putTinyModel(folder);
    const tensors = (await tensorsFor(folder))
      .map((tensor) => ({ ...tensor, data: tensor.data.map((x) => x % 1) }));
    const measured = async (dtype: "F64" | "F32", kind: BaseWeights) => {
      await putStored(
        `${folder}/model.safetensors`,
        tensors.map((tensor) => ({ ...tensor, dtype })),
      );
      const options = { baseWeights: kind };
      const { policy } = await loadPolicy(folder, AS_IT_IS, options);
      return (await measure(policy)).logProbs;
    };
    for (const kind of BASE_WEIGHTS) {
      deepStrictEqual(await measured("F64", kind), await measured("F32", kind));
    }
  }));
