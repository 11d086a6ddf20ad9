import { choice, grouped, integer, number, text } from "../cli/flag.ts";
import { MICRO_TOKENS } from "../data/sampler.ts";
import { BASE_WEIGHTS } from "../models/base_weights.ts";
import { DEVICE_WORDS } from "../onnx/devices.ts";
import { PRECISIONS } from "../onnx/providers.ts";

/** The model that a verb opens, and the adapter it puts on it. */
export const MODEL_FLAGS = {
  model: text({
    help: "model folder or .gguf file, or org/name[@revision][:file.gguf]",
    placeholder: "DIR|GGUF|ID",
    required: true,
  }),
  adapter: text({
    help: "LoRA adapter folder, or org/name[@revision]",
    placeholder: "DIR|ID",
  }),
} as const;

/** Heading of flags for the computation. */
export const COMPUTING = "Computing";

/** The device of a verb. */
export const DEVICE_FLAGS = grouped(COMPUTING, {
  device: choice(DEVICE_WORDS, {
    help: "device that computes; auto takes a GPU if one works; for webgpu " +
      "PREFGRAD_ADAPTER=low-power takes a GPU that saves power",
    default: "auto",
  }),
  threads: integer({
    help: "threads on the CPU",
    default: navigator.hardwareConcurrency,
    min: 1,
  }),
});

/** Storage of weights that a verb does not train. */
export const WEIGHT_FLAGS = grouped(COMPUTING, {
  baseWeights: choice(BASE_WEIGHTS, {
    help: "storage of weights that are not trained, half and w8a16 on the " +
      "CPU only; arithmetic is in float32, except that w8a16 multiplies 8-bit " +
      "weights by 16-bit activations, which is faster for long rows on CPUs " +
      "with VNNI",
    default: "float32",
  }),
});

/** Number format of a verb's arithmetic. */
export const PRECISION_FLAGS = grouped(COMPUTING, {
  precision: choice(PRECISIONS, {
    help: "number format of products and activations, and on a GPU of frozen " +
      "weights; what is trained, losses, norms, softmax and optimizer stay " +
      "in float32. tf32 is CUDA's alone; the CPU imitates 16 bits, slowly",
    default: "float32",
  }),
});

/** Size of micro-batches. */
export const MEMORY_FLAGS = grouped(COMPUTING, {
  microTokens: integer({
    help: "tokens computed at once: bounds the memory, not the result",
    default: MICRO_TOKENS,
    min: 1,
  }),
});

/** What a training step may take in memory. */
export const STEP_MEMORY_FLAGS = {
  ...MEMORY_FLAGS,
  ...grouped(COMPUTING, {
    microMemory: number({
      help: "gigabytes that a micro-batch's intermediate results may take, " +
        "instead of --micro-tokens: as many tokens as fit, in powers of two",
      above: 0,
      excludes: { flags: ["microTokens"] },
    }),
    recomputeLayers: integer({
      help: "layers whose activations the backward pass computes again " +
        "(gradient checkpointing): bounds the memory, not the result; if " +
        "absent as few as make the run fit into the memory that is free, on " +
        "CUDA that of the card, and none on WebGPU, which does not tell it",
      min: 0,
    }),
  }),
};
