import type { Device } from "lib/onnx/providers.ts";
import type { Tensors } from "lib/onnx/session.ts";
import { Trainers } from "lib/run/trainers.ts";
import { ForwardPass } from "lib/train/forward_pass.ts";
import { initialTensors, policyOf, scoreAll, type Start } from "./model.ts";

/** Compiled graphs around one π_ref. */
export interface Bench {
  readonly draw: number;
  readonly start: Start;
  readonly policy: ReturnType<typeof policyOf>;
  /** log π_ref of every answer. */
  readonly reference: readonly number[];
  readonly trainers: Trainers;
  score(parameters: Tensors): Promise<number[]>;
  release(): Promise<void>;
}

/** Keeps the graphs of the draw that was used last. */
export class Benches {
  #bench: Bench | undefined;

  constructor(private readonly device: Device) {}

  async of(draw: number, start: Start): Promise<Bench> {
    if (this.#bench?.draw === draw) return this.#bench;
    await this.release();
    const policy = policyOf(start);
    const forward = new ForwardPass({
      ...{ policy: policy.policy, device: this.device },
    });
    const trainers = new Trainers();
    const score = (parameters: Tensors) => scoreAll(forward, parameters);
    this.#bench = {
      ...{ draw, start, policy, trainers, score },
      reference: await score(initialTensors(policy.policy)),
      release: async () => {
        await trainers.release();
        await forward.release();
      },
    };
    return this.#bench;
  }

  async release(): Promise<void> {
    const bench = this.#bench;
    this.#bench = undefined;
    await bench?.release();
  }
}
