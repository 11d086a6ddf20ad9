import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { treeBatch } from "lib/data/tree_batch.ts";
import { nextLogits } from "lib/models/decoder/decoder.ts";
import { createGenerator } from "lib/models/generate/generate.ts";
import { openTensors } from "lib/models/open_model.ts";
import { writeOnnxFolder } from "lib/models/export/onnx_folder.ts";
import type { ModelDtype } from "lib/models/model_folder.ts";
import { readHeader } from "lib/models/weights/safetensors.ts";
import { Graph } from "lib/onnx/graph/graph.ts";
import { compile } from "lib/onnx/session.ts";
import { hostData } from "lib/onnx/tensors.ts";
import { openPolicy } from "lib/run/models.ts";
import { assertClose } from "../../assert_close.ts";
import { shared } from "../../places.ts";
import { webgpuTest } from "../../webgpu.ts";
import { randomized } from "../../scripts/tiny_training.ts";
import { leftPadded, OnnxDecoder } from "../onnx_decoder.ts";
import { putJson, putTinyModel, withFolder } from "../tiny_model.ts";
import { streamFeeds, streamInputs } from "lib/train/feeds.ts";

const STORIES = shared("models/stories260K");
const hasStories = await Deno.stat(STORIES).then(() => true, () => false);

const TEXTS = [[1, 5, 3, 9, 9, 4, 7], [8, 2, 6]];

/** Exports a folder of a random model, or another, and gives it to `use`. */
function withExport(
  use: (
    model: string,
    decoder: OnnxDecoder,
    out: string,
  ) => Promise<void>,
  { dtype = "float32", model }: { dtype?: ModelDtype; model?: string } = {},
): Promise<void> {
  return withFolder(async (root) => {
    const from = model ?? `${root}/model`;
    if (!model) {
      await Deno.mkdir(from);
      await putTinyModel(from, randomized);
    }
    const out = `${root}/out`;
    const { tensors } = await openTensors(from);
    await writeOnnxFolder(out, { from, tensors, dtype });
    const file = dtype === "float16" ? "model_fp16.onnx" : "model.onnx";
    await using decoder = await OnnxDecoder.load(`${out}/onnx/${file}`);
    await use(from, decoder, out);
  });
}

/** Logits after each token of a text, by the decoder that trains. */
async function expectedLogits(
  model: string,
  text: readonly number[],
): Promise<number[]> {
  const { policy } = await openPolicy(model);
  const graph = new Graph();
  const inputs = streamInputs(graph);
  const parameters = policy.parameters(graph);
  const logits = nextLogits(policy.config, parameters, inputs);
  const program = await compile({ logits });
  const feeds = streamFeeds(treeBatch([{ prompt: text, completions: [] }]));
  const predictFrom = Int32Array.from(text.keys());
  const result = await program.run({
    ...feeds,
    predictFrom: { data: predictFrom, shape: [text.length] },
  });
  await program.release();
  return [...hostData(result["logits"])];
}

Deno.test("an ONNX model gives the logits of the model", () =>
  withExport(async (model, decoder) => {
    const [text] = TEXTS;
    const expected = await expectedLogits(model, text!);
    const whole = await decoder.run(leftPadded([text!]));
    assertClose(whole.logits.flat(2), expected, { tolerance: 1e-5 });
    // Positions are relative: transformers.js counts some families from 1.
    const later = await decoder.run(leftPadded([text!]), { first: 1 });
    assertClose(later.logits.flat(2), expected, { tolerance: 1e-5 });
  }));

Deno.test("an ONNX model remembers what it is given", () =>
  withExport(async (_model, decoder) => {
    const [text] = TEXTS;
    const { ids: [ids], mask: [mask] } = leftPadded([text!]);
    const whole = await decoder.run({ ids: [ids!], mask: [mask!] });
    const first = await decoder.run({
      ids: [ids!.slice(0, 2)],
      mask: [mask!.slice(0, 2)],
    });
    const rest = await decoder.run(
      { ids: [ids!.slice(2)], mask: [mask!] },
      { cache: first.cache },
    );
    const found = [...first.logits[0]!, ...rest.logits[0]!];
    assertClose(found.flat(), whole.logits.flat(2), { tolerance: 1e-5 });
  }));

Deno.test("rows of a padded batch are as they are alone", () =>
  withExport(async (_model, decoder) => {
    const together = await decoder.run(leftPadded(TEXTS));
    for (const [row, text] of TEXTS.entries()) {
      const alone = await decoder.run(leftPadded([text]));
      const found = together.logits[row]!.slice(-text.length);
      assertClose(found.flat(), alone.logits.flat(2), { tolerance: 1e-5 });
    }
    deepStrictEqual(await decoder.continue(TEXTS, 6), [
      ...await decoder.continue([TEXTS[0]!], 6),
      ...await decoder.continue([TEXTS[1]!], 6),
    ]);
  }));

for (const dtype of ["float32", "float16"] as const) {
  Deno.test({
    name: `an ONNX model in ${dtype} tells the story token for token ` +
      "(ignored without ../shared)",
    ignore: !hasStories,
    fn: () =>
      withExport(async (model, decoder) => {
        const { policy } = await openPolicy(model);
        const generator = await createGenerator(policy);
        const prompts = [[1, 403, 407, 261, 378], [1, 403]];
        const expected = await generator.generate(prompts, {
          parameters: {},
          stream: () => ({ uniform: () => 0 }),
          maxNewTokens: 60,
          temperature: 0,
          stopIds: [],
        });
        await generator.release();
        deepStrictEqual(
          await decoder.continue(prompts, 60),
          expected.map(([completion]) => completion!.ids),
        );
      }, { dtype, model: STORIES }),
  });
}

webgpuTest(
  "an ONNX model gives the same on WebGPU",
  () =>
    withExport(async (_model, decoder, out) => {
      const file = `${out}/onnx/model.onnx`;
      await using other = await OnnxDecoder.load(file, "webgpu");
      const rows = leftPadded(TEXTS);
      const expected = await decoder.run(rows);
      const found = await other.run(rows);
      assertClose(found.logits.flat(2), expected.logits.flat(2), {
        tolerance: 1e-5,
      });
    }),
);

Deno.test("transformers.js is told where weights in half precision are", () =>
  withExport(async (_model, _decoder, out) => {
    const { tensors } = await readHeader(`${out}/onnx/model_fp16.onnx_data`);
    deepStrictEqual(
      new Set(tensors.values().map(({ dtype }) => dtype)),
      new Set(["F16"]),
    );
    const config = JSON.parse(await Deno.readTextFile(`${out}/config.json`));
    strictEqual(config["torch_dtype"], "float16");
    deepStrictEqual(config["transformers.js_config"], {
      "dtype": "fp16",
      "use_external_data_format": { "model_fp16.onnx": 1 },
    });
  }, { dtype: "float16" }));

Deno.test("transformers.js finds a chat template where it looks for one", () =>
  withFolder(async (root) => {
    const [from, out] = [`${root}/model`, `${root}/out`];
    await Deno.mkdir(from);
    await putTinyModel(from);
    await putJson(`${from}/tokenizer_config.json`, { "eos_token": "</s>" });
    await Deno.writeTextFile(`${from}/chat_template.jinja`, "{{ messages }}");
    const { tensors } = await openTensors(from);
    await writeOnnxFolder(out, { from, tensors });
    const config = await Deno.readTextFile(`${out}/tokenizer_config.json`);
    deepStrictEqual(JSON.parse(config), {
      "eos_token": "</s>",
      "chat_template": "{{ messages }}",
    });
    await Deno.mkdir(`${from}/additional_chat_templates`);
    const tool = `${from}/additional_chat_templates/tool_use.jinja`;
    await Deno.writeTextFile(tool, "{{ tools }}");
    await writeOnnxFolder(out, { from, tensors });
    const both = await Deno.readTextFile(`${out}/tokenizer_config.json`);
    deepStrictEqual(JSON.parse(both)["chat_template"], [
      { name: "default", template: "{{ messages }}" },
      { name: "tool_use", template: "{{ tools }}" },
    ]);
  }));

Deno.test("an ONNX model in bfloat16 is refused, and nothing written", () =>
  withFolder(async (root) => {
    const from = `${root}/model`;
    await Deno.mkdir(from);
    await putTinyModel(from);
    const { tensors } = await openTensors(from);
    await rejects(
      writeOnnxFolder(`${root}/out`, { from, tensors, dtype: "bfloat16" }),
      /as ONNX in bfloat16: expected float32 or float16/,
    );
    const entries = await Array.fromAsync(Deno.readDir(root));
    deepStrictEqual(entries.map(({ name }) => name), ["model"]);
  }));
