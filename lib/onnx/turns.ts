import type { Device } from "./providers.ts";

/** Tasks of which each begins when the one before has ended. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Does a task when it is its turn. */
  take<T>(task: () => T | Promise<T>): Promise<T> {
    const turn = this.#last.then(task);
    this.#last = turn.catch(() => {});
    return turn;
  }
}

/** All of a process's sessions there are on one device of WebGPU. */
const WEBGPU = new Turns();

/**
 * The turns that a session takes: its own, except on WebGPU, where onnxruntime
 * ends the process if two sessions are made, run or released at once.
 */
export function turnsOn(device: Device): Turns {
  return device === "webgpu" ? WEBGPU : new Turns();
}
