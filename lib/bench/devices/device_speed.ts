import type { Device, Precision } from "../../onnx/providers.ts";
import { type CostJob, randomPairs, step, trainerOf } from "../cost.ts";
import { type ProductShape, productSpeeds } from "../machine.ts";
import { randomPolicy } from "../random_policy.ts";

/** How fast a device is, by one product and one training step. */
export interface DeviceSpeed {
  readonly products: readonly {
    readonly precision: Precision;
    /** 10⁹ floating-point operations a second. */
    readonly gflops: number;
  }[];
  /** Seconds of the step of a small decoder in float32. */
  readonly stepSeconds: number;
}

/** A product that keeps a card busy. */
const PRODUCT: ProductShape = { rows: 4096, inputs: 4096, outputs: 4096 };

/** A step of four layers on two pairs of 512 tokens. */
const STEP: Omit<CostJob, "threads"> = {
  ...{ hidden: 256, layers: 4, vocabulary: 8192, rank: 16 },
  ...{ length: 512, batch: 2 },
};

/**
 * Times a device other than the CPU. All takes seconds, most of them to compile.
 *
 * @param sizes smaller ones, for a driver that plays a card.
 */
export async function deviceSpeed(
  device: Device,
  precisions: readonly Precision[],
  { product = PRODUCT, stepOf = STEP } = {},
): Promise<DeviceSpeed> {
  const threads = 1;
  const products = await productSpeeds({
    ...{ shapes: [product], precisions, device, threads, runs: 3 },
  });
  const rows = randomPairs(stepOf);
  const policy = randomPolicy(stepOf);
  const trainer = await trainerOf(policy, "simpo", { rows, threads, device });
  await step(trainer, rows);
  const stepSeconds = await step(trainer, rows);
  await trainer.release();
  return {
    products: products.map(({ precision, gflops }) => ({ precision, gflops })),
    stepSeconds,
  };
}
