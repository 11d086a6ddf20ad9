import { deepStrictEqual } from "node:assert/strict";
import { encodePrompt } from "lib/data/tokenize/prompts.ts";
import { loadTokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { createGenerator } from "lib/models/generate/generate.ts";
import { openTensors } from "lib/models/open_model.ts";
import {
  MODEL_DTYPES,
  type ModelDtype,
  type ModelFolder,
  writeModelFolder,
} from "lib/models/model_folder.ts";
import { writeOnnxFolder } from "lib/models/export/onnx_folder.ts";
import { writeSafetensors } from "lib/models/weights/write_safetensors.ts";
import { ForwardPass } from "lib/train/forward_pass.ts";
import { openPolicy } from "lib/run/models.ts";
import { assertClose } from "../assert_close.ts";
import { baseSize, withByteTokenizer } from "../data/byte_tokenizer.ts";
import { fixture, shared } from "../places.ts";
import {
  adapterIn,
  ARCHITECTURES,
  putArchitecture,
} from "./architecture_fixtures.ts";
import { putPair } from "./random_pair.ts";
import { putJson, tensorsFor, TINY } from "./tiny_model.ts";
import { peerTest, runPeer } from "../peer_python.ts";
import { randomized } from "../scripts/tiny_training.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import {
  continued,
  type Request,
  transformersJsTest,
} from "../transformers_js.ts";

const SCRIPT = fixture("exported_models.py");
const STORIES = shared("models/stories260K");
const hasStories = await Deno.stat(STORIES).then(() => true, () => false);

peerTest("merged models load in transformers, and ONNX is valid", async () => {
  using root = temporaryFolder();
  const { model: from, adapter } = await putPair(root.path);
  const { tensors } = await openTensors(from, { adapter });
  const expected = new Map([
    ...await writeDtypes(root.path, { from, tensors }),
    ...await writeFamilies(root.path),
  ]);
  const out = (dtype: string) => `${root.path}/onnx-${dtype}`;
  for (const dtype of ["float32", "float16"] as const) {
    await writeOnnxFolder(out(dtype), { from, tensors, dtype });
  }
  const ids = [1, 5, 3, 9, 2, 0, 10];
  const request = {
    folders: [...expected.keys()],
    ids,
    onnx: [
      `${out("float32")}/onnx/model.onnx`,
      `${out("float16")}/onnx/model_fp16.onnx`,
    ],
  };
  const args = [JSON.stringify(request)];
  const found = JSON.parse(await runPeer(SCRIPT, { args }));
  for (const [i, [folder, loaded]] of [...expected].entries()) {
    const { scores, ...rest } = found[i];
    deepStrictEqual(rest, loaded);
    assertClose(scores, await score(folder, ids), { tolerance: 1e-5 });
  }
});

/** The numbers that transformers should compute from a folder. */
interface Loaded {
  readonly dtype: ModelDtype;
  readonly tied: boolean;
}

/** Writes a model in each type: an adapter has brought a head to it. */
async function writeDtypes(
  root: string,
  model: Pick<ModelFolder, "from" | "tensors">,
): Promise<[string, Loaded][]> {
  return await Promise.all(MODEL_DTYPES.map(async (dtype) => {
    const folder = `${root}/${dtype}`;
    await writeModelFolder(folder, { ...model, dtype, shardBytes: 700 });
    return [folder, { dtype, tied: false }];
  }));
}

/** Writes merged models of families that store weights in their own ways. */
async function writeFamilies(root: string): Promise<[string, Loaded][]> {
  const families = { gpt2: true, "gpt-neox": false };
  return await Promise.all(
    Object.entries(families).map(async ([name, tied]) => {
      const from = `${root}/${name}`;
      await putArchitecture(from, ARCHITECTURES.get(name)!);
      const { tensors } = await openTensors(from, { adapter: adapterIn(from) });
      await writeModelFolder(`${from}/merged`, { from, tensors });
      return [`${from}/merged`, { dtype: "float32", tied }];
    }),
  );
}

async function score(
  folder: string,
  [first, ...rest]: readonly number[],
): Promise<number[]> {
  const { policy } = await openPolicy(folder);
  const forward = new ForwardPass({ policy });
  const rows = [{ prompt: [first!], completions: [rest] }];
  const [[tokens] = []] = await forward.tokenLogProbs(rows, { parameters: {} });
  await forward.release();
  return tokens!;
}

transformersJsTest(
  "transformers.js on Deno tells our story (ignored without ../shared)",
  () => checkTransformersJs(STORIES, ["Once upon a time", "Tom had a"]),
  { ignore: !hasStories },
);

transformersJsTest(
  "transformers.js on Deno answers in a chat as we do",
  async () => {
    const template = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}" +
      "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";
    await withByteTokenizer({}, async (folder) => {
      await Deno.writeTextFile(`${folder}/chat_template.jinja`, template);
      const changes = { "vocab_size": baseSize, "eos_token_id": 1 };
      await putJson(`${folder}/config.json`, { ...TINY, ...changes });
      const tensors = randomized(await tensorsFor(folder));
      await writeSafetensors(`${folder}/model.safetensors`, tensors);
      const chat = [{ role: "user", content: "Hi" }];
      await checkTransformersJs(folder, [chat, "No"]);
    });
  },
);

/** Exports a model in both types, and compares what follows some inputs. */
async function checkTransformersJs(
  from: string,
  inputs: readonly Request["input"][],
): Promise<void> {
  const requests = inputs.map((input) => ({ input, tokens: 20 }));
  const expected = await ourTexts(from, requests);
  const { tensors } = await openTensors(from);
  for (const dtype of ["float32", "float16"] as const) {
    using root = temporaryFolder();
    const out = `${root.path}/out`;
    await writeOnnxFolder(out, { from, tensors, dtype });
    deepStrictEqual(await continued(out, requests), expected);
  }
}

async function ourTexts(
  folder: string,
  requests: readonly Request[],
): Promise<string[]> {
  const { policy } = await openPolicy(folder);
  const tokenizer = (await loadTokenizer(folder))!;
  const generator = await createGenerator(policy);
  const texts: string[] = [];
  for (const { input, tokens } of requests) {
    const prompt = encodePrompt({ content: input, location: "" }, tokenizer, {
      chat: typeof input !== "string",
      system: undefined,
    });
    const [[completion] = []] = await generator.generate([prompt], {
      parameters: {},
      stream: () => ({ uniform: () => 0 }),
      maxNewTokens: tokens,
      temperature: 0,
    });
    const { ids } = completion!;
    const whole = typeof input === "string" ? [...prompt, ...ids] : ids;
    texts.push(tokenizer.decode(whole, { skipSpecialTokens: true }));
  }
  await generator.release();
  return texts;
}
