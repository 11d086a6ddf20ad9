import type { Type } from "../graph/tensor_type.ts";
import type { HostArray, OrtValue } from "./ort_value.ts";

/** An input or output of a session. */
export interface Port extends Type {
  readonly name: string;
}

/** The inputs and outputs of a session. */
export interface Ports {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** Further inputs, which are the same in every run. */
  readonly held: ReadonlyMap<string, HostArray>;
}

/** A tensor in the memory of this process, or in a device's. */
export type Bound = HostNumbers | OrtValue;

/** Numbers in the memory of this process. */
export type HostNumbers = HostArray<
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
>;

/** A session with its inputs and outputs. */
export interface Runner {
  /**
   * Runs it, when the last run has ended.
   *
   * @param feeds a tensor for each input.
   * @param into tensors in the places of outputs; others are made.
   */
  run(
    feeds: readonly Bound[],
    into: readonly (Bound | undefined)[],
  ): Promise<Bound[]>;
  release(): void;
}
