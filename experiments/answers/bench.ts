import type { Device } from "lib/onnx/providers.ts";
import type { Tensors } from "lib/onnx/tensors.ts";
import type { PolicyInMemory } from "lib/run/inputs.ts";
import { Trainers } from "lib/run/trainers.ts";
import { ForwardPass } from "lib/train/forward_pass.ts";
import { initialTensors, type Start } from "./decoder.ts";

/** Compiled graphs around one π_ref. */
export interface Bench<Scores = readonly number[]> {
  readonly draw: number;
  readonly start: Start;
  readonly policy: PolicyInMemory;
  /** log π_ref of every answer. */
  readonly reference: Scores;
  readonly trainers: Trainers;
  score(parameters: Tensors): Promise<Scores>;
  release(): Promise<void>;
}

/** How the answers of a world are scored. */
export interface Scoring<Scores> {
  policyOf(start: Start): PolicyInMemory;
  scoreAll(forward: ForwardPass, parameters: Tensors): Promise<Scores>;
}

/** Keeps the graphs of the model that was used last. */
export class Benches<Scores> {
  #bench: Bench<Scores> | undefined;

  constructor(
    private readonly device: Device,
    private readonly scoring: Scoring<Scores>,
  ) {}

  async of(draw: number, start: Start): Promise<Bench<Scores>> {
    const policy = this.scoring.policyOf(start);
    if (this.#bench?.policy.weights === policy.weights) return this.#bench;
    await this.release();
    const forward = new ForwardPass({
      ...{ policy: policy.policy, device: this.device },
    });
    const trainers = new Trainers();
    const score = (parameters: Tensors) =>
      this.scoring.scoreAll(forward, parameters);
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
