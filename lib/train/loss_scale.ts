import type { Precision } from "../onnx/providers.ts";

/** A scale as checkpoints keep it. */
export interface LossScaleState {
  /** Factor of the loss. */
  readonly scale: number;
  /** Steps taken since it last changed. */
  readonly steps: number;
}

/** The scale of a run's first step, and the steps after which it doubles. */
interface LossScaleOptions {
  /** @default 65,536 */
  start?: number;
  /** @default 2,000 */
  every?: number;
}

/** Whether gradients are so small that their type would round them to 0. */
export function isScaled(precision: Precision): boolean {
  return precision === "float16";
}

/**
 * The factor that keeps small gradients within the range of float16: the loss is
 * multiplied by it, the gradient divided. It halves where a gradient leaves the
 * range, and doubles after many steps without that: section 3.2 of
 * https://arxiv.org/abs/1710.03740, with the numbers of torch.amp.GradScaler.
 */
export class LossScale {
  #state: LossScaleState;
  readonly #every: number;

  constructor({ start = 2 ** 16, every = 2000 }: LossScaleOptions = {}) {
    this.#state = { scale: start, steps: 0 };
    this.#every = every;
  }

  /** The factor, and since when. */
  get state(): LossScaleState {
    return this.#state;
  }

  set state(state: LossScaleState) {
    this.#state = state;
  }

  /** Halves it; false where it is 1 already, which no gradient should need. */
  halve(): boolean {
    const { scale } = this.#state;
    if (scale <= 1) return false;
    this.#state = { scale: scale / 2, steps: 0 };
    return true;
  }

  /** Counts a step that was taken. */
  count(): void {
    const { scale, steps } = this.#state;
    this.#state = steps + 1 === this.#every
      ? { scale: 2 * scale, steps: 0 }
      : { scale, steps: steps + 1 };
  }
}
