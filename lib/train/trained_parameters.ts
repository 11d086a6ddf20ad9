import type { Group } from "../distributed/group.ts";
import { scalarFeeds } from "../onnx/inputs.ts";
import type { Program } from "../onnx/program.ts";
import { compile, type CompileOptions } from "../onnx/session.ts";
import { hostData, type Tensors } from "../onnx/tensors.ts";
import { createState, type Slot, type State } from "../onnx/state.ts";
import type { LossScaleState } from "./loss_scale.ts";
import { clippingScale, type Optimizer, squaredNorm } from "../optim.ts";

/** Values of tensors by name. */
export type Values = ReadonlyMap<string, Float32Array<ArrayBuffer>>;

/** Values as graphs of these parameters are fed. */
export function tensorsOf(
  parameters: readonly Slot[],
  values: Values,
): Tensors {
  return Object.fromEntries(
    parameters.map(({ name, shape }) => [
      name,
      { data: values.get(name)!, shape },
    ]),
  );
}

/** The state of a training run, as checkpoints keep it. */
export interface Snapshot {
  /** Steps taken. */
  readonly step: number;
  /** The parameters and the optimizer's slots, each by parameter name. */
  readonly tensors: ReadonlyMap<string, Values>;
  /** The state of the loss, from step to step. */
  readonly carried: Readonly<Record<string, number>>;
  /** The scale of gradients in float16. @default none */
  readonly lossScale?: LossScaleState;
}

/** Numbers of one step of the optimizer. */
export interface UpdateOptions {
  /** Learning rate of the step. */
  learningRate: number;
  /** Relative to the learning rate, where the optimizer decays. @default 0 */
  weightDecay?: number;
  /** Norm that the gradient is clipped to; 0 does not clip. @default 1 */
  maxGradNorm?: number;
  /** Factor of the gradient in the sums. @default 1 */
  lossScale?: number;
}

interface TrainedParametersOptions extends CompileOptions {
  optimizer: Optimizer;
}

/** Name under which graphs and snapshots have the parameters. */
const PARAMETER = "parameter";
/** Groups of parameters in memory: with weight decay, and without. */
const [DECAYED, OTHERS] = [0, 1];

/**
 * Parameters under training, on their device: their values, the sums of their
 * gradients, and the optimizer's slots.
 */
export class TrainedParameters {
  #step = 0;

  private constructor(
    private readonly optimizer: Optimizer,
    /** The optimizer's step on a piece of the parameters. */
    private readonly update: Program,
    /** Σ x² of a piece of the gradient. */
    private readonly norm: Program,
    /** The parameters, then the optimizer's slots. */
    private readonly states: ReadonlyMap<string, State>,
    /** Sums of gradients over the micro-batches of a step. */
    readonly sums: State,
  ) {}

  /** Parameters of these shapes, all 0. */
  static async create(
    parameters: readonly Slot[],
    { optimizer, ...options }: TrainedParametersOptions,
  ): Promise<TrainedParameters> {
    const { device = "cpu" } = options;
    const groups = [DECAYED, OTHERS].map((group) =>
      parameters.filter((p) => optimizer.decays(p) === (group === DECAYED))
    );
    const states = new Map<string, State>();
    for (const name of [PARAMETER, ...optimizer.slots]) {
      states.set(name, await createState(groups, device));
    }
    return new TrainedParameters(
      optimizer,
      await compile(optimizer.update(), options),
      await compile(squaredNorm(), options),
      states,
      await createState(groups, device),
    );
  }

  /** Steps taken. */
  get step(): number {
    return this.#step;
  }

  /** The parameters, to be fed to graphs. */
  get parameters(): Tensors {
    return this.states.get(PARAMETER)!.tensors;
  }

  /** Begins anew at these values of the parameters. */
  async restart(values: Values): Promise<void> {
    for (const state of this.states.values()) await state.write();
    await this.states.get(PARAMETER)!.write(values);
    this.#step = 0;
  }

  /** The parameters as they are now. */
  values(): Promise<Values> {
    return this.states.get(PARAMETER)!.read();
  }

  /** Copies of the values, to be restored. */
  save(): Promise<Pick<Snapshot, "step" | "tensors">> {
    return this.#snapshot((state) => state.read());
  }

  /** The values until the next step, to be written at once. */
  view(): Promise<Pick<Snapshot, "step" | "tensors">> {
    return this.#snapshot((state) => state.view());
  }

  async #snapshot(
    valuesOf: (state: State) => Promise<Values>,
  ): Promise<Pick<Snapshot, "step" | "tensors">> {
    const tensors: [string, Values][] = [];
    for (const [name, state] of this.states) {
      tensors.push([name, await valuesOf(state)]);
    }
    return { step: this.#step, tensors: new Map(tensors) };
  }

  /**
   * Continues from saved values.
   *
   * @throws RangeError if they are another optimizer's.
   */
  async restore(
    { step, tensors }: Pick<Snapshot, "step" | "tensors">,
  ): Promise<void> {
    for (const [name, state] of this.states) {
      const values = tensors.get(name);
      if (!values) {
        throw new RangeError(
          `Cannot continue with ${this.optimizer.name}: found no "${name}" in the saved state`,
        );
      }
      await state.write(values);
    }
    this.#step = step;
  }

  /** Adds up the sums of all ranks, where they are if the group can. */
  async addUp(group: Group): Promise<void> {
    if (group.size === 1) return;
    if (group.allReduceOnDevice) {
      await group.allReduceOnDevice(this.sums.memory());
    } else await this.sums.change((values) => group.allReduce(values));
  }

  /** Norm of what is in the sums. */
  async gradNorm(): Promise<number> {
    let squares = 0;
    for (const { now } of this.sums.pieces) {
      const output = await this.norm.run({ gradient: now });
      squares += Number(hostData(output["squares"])[0]);
    }
    return Math.sqrt(squares);
  }

  /**
   * Takes one step along the gradient in the sums, whose norm without the
   * factor is given.
   */
  async take(
    gradNorm: number,
    { learningRate, weightDecay = 0, maxGradNorm = 1, lossScale = 1 }:
      UpdateOptions,
  ): Promise<void> {
    const step = this.#step + 1;
    const gradientScale = clippingScale(gradNorm, maxGradNorm) / lossScale;
    const pieces = [...this.states].map(([name, { pieces }]) =>
      [name, pieces] as const
    );
    for (const [i, { now, group }] of this.sums.pieces.entries()) {
      const numbers = this.optimizer.scalars(step, {
        learningRate,
        gradientScale,
        weightDecay: group === DECAYED ? weightDecay : 0,
      });
      const named = (which: "now" | "next") =>
        Object.fromEntries(
          pieces.map(([name, list]) => [name, list[i]![which]]),
        );
      await this.update.run(
        { gradient: now, ...scalarFeeds(numbers), ...named("now") },
        named("next"),
      );
    }
    // Only now: until here a device that fails leaves the state as it was.
    for (const state of this.states.values()) state.advance();
    this.#step = step;
  }

  async release(): Promise<void> {
    await this.update.release();
    await this.norm.release();
    for (const state of [this.sums, ...this.states.values()]) {
      await state.release();
    }
  }
}
