import { dirname } from "node:path";
import { parseFlags, refuseGiven } from "lib/cli/flags.ts";
import { makeFolder } from "lib/files/temporary.ts";
import { openTensors } from "lib/models/open_model.ts";
import { MODEL_DTYPES, writeModelFolder } from "lib/models/model_folder.ts";
import { writeOnnxFolder } from "lib/models/export/onnx_folder.ts";
import type { TensorSource } from "lib/models/weights/write_safetensors.ts";
import type { Weights } from "lib/models/weights/weights.ts";
import {
  type Progress,
  progress,
  runVerb,
  say,
  warn,
} from "lib/cli/terminal.ts";
import { choice, type FlagValues, text, toggle } from "lib/cli/flag.ts";
import type { Verb } from "lib/cli/verb.ts";
import {
  exportRecord,
  type ExportSource,
  exportSource,
  refuseOthers,
} from "./export/source.ts";
import { MODEL_FLAGS } from "lib/run/model_settings.ts";
import { SHARD_SIZE } from "./export/shard_size.ts";

const EXPORT = {
  name: "export",
  summary: "Writes a model, and an adapter merged into it, for other programs.",
  positionals: [{
    name: "model",
    help:
      "folder of a model or of a training run, .gguf file, or org/name[@revision][:file.gguf]",
  }],
  flags: {
    out: text({
      help: "folder to write: a new one, or one that export wrote before",
      placeholder: "DIR",
      required: true,
    }),
    adapter: MODEL_FLAGS.adapter,
    base: text({
      help: "the model of a training run, if it has moved",
      placeholder: "DIR|GGUF|ID",
    }),
    dtype: choice(MODEL_DTYPES, {
      help: "number format of the written weights",
      default: "float32",
    }),
    shardSize: SHARD_SIZE,
    onnx: toggle({
      help: "write an ONNX model, which generates text in onnxruntime and " +
        "transformers.js, instead of a folder for Python",
    }),
  },
  examples: [
    "deno task export out/dpo --out out/dpo-merged --dtype bfloat16",
    "deno task export HuggingFaceTB/SmolLM2-135M-Instruct --adapter out/dpo/adapter --out out/merged",
    "deno task export out/dpo --onnx --dtype float16 --out out/dpo-onnx",
    "deno task export SmolLM2-135M-Instruct.Q4_K_M.gguf --out out/smollm2",
  ],
} as const satisfies Verb;
type Values = FlagValues<typeof EXPORT.flags>;

await runVerb(
  () => parseFlags(EXPORT, Deno.args),
  async ({ positionals: { model }, values, given }) => {
    if (values.onnx) {
      refuseGiven(
        given,
        ["shardSize"],
        "with --onnx, whose weights are one file",
      );
    }
    await refuseOthers(values.out);
    const source = await exportSource(model, values);
    const { heldAs } = source;
    if (heldAs !== null && heldAs !== "float32") {
      warn(
        `${model} was trained over weights held in ${heldAs}; they are exported as they are stored`,
      );
    }
    await write(source, values);
    say(`Wrote ${values.out}`);
  },
  () => "Stopped; nothing is left of it",
);

async function write(
  source: ExportSource,
  { out, onnx, dtype, shardSize: shardBytes }: Values,
): Promise<void> {
  const from = source.model.folder;
  const adapter = source.adapter?.folder;
  const { tensors, weights } = await openTensors(from, { adapter });
  const layout = onnx ? "onnx" : "transformers";
  const made = { weights: await checkedHash(source, weights), dtype, layout };
  const others = await exportRecord(source, made);
  using shown = progress({ title: "tensors", total: tensors.length });
  const folder = { from, tensors: watched(tensors, shown), dtype, others };
  using _ = await makeFolder(dirname(out));
  if (onnx) return await writeOnnxFolder(out, folder);
  await writeModelFolder(out, { ...folder, shardBytes });
}

/** SHA-256 of the weights, which are those that an adapter was trained on. */
async function checkedHash(
  { model, adapter, trainedOn }: ExportSource,
  weights: Weights,
): Promise<string> {
  const hash = await weights.hash();
  if (trainedOn === null || hash === trainedOn) return hash;
  throw new Error(
    `Cannot merge ${adapter!.folder}: it was trained on weights ` +
      `${trainedOn.slice(0, 12)}…, those of ${model.folder} are ` +
      `${hash.slice(0, 12)}…`,
  );
}

/** Tensors that move a bar as they are read. */
function watched(
  tensors: readonly TensorSource[],
  shown: Progress,
): TensorSource[] {
  let done = 0;
  return tensors.map((tensor) => ({
    ...tensor,
    read: async () => {
      const data = await tensor.read();
      shown.update(++done);
      return data;
    },
  }));
}
