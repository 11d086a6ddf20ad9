import type { Device, Precision } from "../../onnx/providers.ts";
import type { BenchSettings } from "../settings.ts";
import { PROFILES } from "../shared_prompts.ts";
import type { DeviceJob, TuningKind } from "./device_run.ts";
import type { ModelShape } from "./model_shapes.ts";
import { type ProfiledRun, profileSteps } from "./profile_rows.ts";

/** A process of a comparison on a device. */
export interface DeviceProcess extends Pick<DeviceJob, "precision"> {
  readonly model: ModelShape;
  readonly tuning: TuningKind;
  readonly by: "prefgrad" | "torch";
}

/** The lengths, batches and micro-batches of a comparison. */
export interface DeviceWork extends ProfiledRun {
  readonly microTokens: number;
}

/** The most important first: time may not last for all of them. */
const MODELS: readonly [ModelShape, TuningKind][] = [
  ["SmolLM2-135M", "lora"],
  ["Qwen2.5-0.5B", "lora"],
  ["SmolLM2-1.7B", "lora"],
  ["SmolLM2-135M", "full"],
  ["SmolLM2-360M", "lora"],
  ["Qwen2.5-0.5B", "full"],
  ["SmolLM2-1.7B", "full"],
  ["SmolLM2-360M", "full"],
];

/** The format in which people train on a device. */
const USUAL = {
  ...{ cpu: "float32", webgpu: "float32", cuda: "bfloat16" },
} as const satisfies Record<Device, Precision>;

/**
 * The processes of a comparison in their order: ours and then, where there is a
 * Python, that of PyTorch, in the usual format.
 */
export function devicePlan(
  { device, quick, python }: Pick<
    BenchSettings,
    "device" | "quick" | "python"
  >,
): DeviceProcess[] {
  const models = quick ? [["tiny", "lora"], ["tiny", "full"]] as const : MODELS;
  const precision = USUAL[device];
  const sides = python === null
    ? ["prefgrad"] as const
    : ["prefgrad", "torch"] as const;
  return models.flatMap(([model, tuning]) =>
    sides.map((by) => ({ model, tuning, by, precision }))
  );
}

/** Pairs of a step, as dpo-prefix-sharing has them on each card. */
const BATCH = 8;

/** Slots of a micro-batch on a card, which has more memory and wants more work. */
const CARD_TOKENS = 8192;

/** The work of each process. */
export function deviceWork(
  { device, quick, steps = 2 }: Pick<
    BenchSettings,
    "device" | "quick" | "steps"
  >,
): DeviceWork {
  return {
    profiles: profileSteps(
      quick ? PROFILES.slice(1, 2) : PROFILES,
      quick ? 0.1 : 1,
    ),
    batch: quick ? 2 : BATCH,
    steps: quick ? 1 : steps,
    microTokens: device === "cuda" ? CARD_TOKENS : 1024,
  };
}
