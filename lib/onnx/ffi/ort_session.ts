import { ALLOCATOR, api, check, made } from "./library.ts";
import {
  FATAL,
  SessionOptions,
  type SessionSettings,
} from "./session_options.ts";
import { cString, type CStrings, pathString, textAt } from "./strings.ts";

const ENVIRONMENT = made((out) =>
  api.createEnv.call(FATAL, cString("prefgrad"), out)
);

/**
 * Milliseconds from which on a run leaves JavaScript's thread. The way there
 * and back takes 0.02 ms, and more where all processors are busy.
 */
const LONG = 5;

/** Runs off JavaScript's thread, with the arrays that they use. */
const RUNNING = new Map<Promise<bigint>, readonly unknown[]>();

// An uncaught error ends the process, and first of all frees the arrays, so it
// has to wait for the runs.
for (const type of ["error", "unhandledrejection"]) {
  globalThis.addEventListener(type, (event) => {
    if (RUNNING.size === 0) return;
    event.preventDefault();
    const error = event instanceof ErrorEvent
      ? event.error
      : event instanceof PromiseRejectionEvent && event.reason;
    Promise.allSettled(RUNNING.keys()).then(() => reportError(error));
  });
}

/** A compiled model. */
export class OrtSession {
  /** Whether the last run was long; the first one may be. */
  #isLong = true;

  private constructor(
    readonly address: bigint,
    private readonly profiled: boolean,
    /** Arrays that it may read as long as it lives. */
    readonly held: SessionSettings["held"],
  ) {}

  /** Compiles a model's bytes, or the file at a path. */
  static create(
    model: Uint8Array<ArrayBuffer> | string,
    settings: SessionSettings,
  ): OrtSession {
    using options = new SessionOptions(settings);
    const { address } = options;
    const session = made((out) =>
      typeof model === "string"
        ? api.createSession.call(ENVIRONMENT, pathString(model), address, out)
        : api.createSessionFromArray.call(
          ...[ENVIRONMENT, model, BigInt(model.length), address, out] as const,
        )
    );
    return new OrtSession(session, settings.profile !== null, settings.held);
  }

  /** Names of its inputs, in order. */
  get inputs(): string[] {
    return this.#names(api.sessionGetInputCount, api.sessionGetInputName);
  }

  /** Names of its outputs, in order. */
  get outputs(): string[] {
    return this.#names(api.sessionGetOutputCount, api.sessionGetOutputName);
  }

  /**
   * Runs it.
   *
   * @param values the address of a tensor for each name; an output's may be 0,
   * then that of a new tensor is put there.
   */
  async run(
    { inputs, outputs }: Readonly<Record<"inputs" | "outputs", CStrings>>,
    values: Readonly<Record<"inputs" | "outputs", BigUint64Array<ArrayBuffer>>>,
  ): Promise<void> {
    const call = [
      this.address,
      0n,
      inputs.addresses,
      values.inputs,
      BigInt(values.inputs.length),
      outputs.addresses,
      BigInt(values.outputs.length),
      values.outputs,
    ] as const;
    await this.#pace([call, inputs, outputs], {
      here: () => api.run.call(...call),
      offThread: () => api.runOffThread.call(...call),
    });
  }

  /** Runs it with the tensors of an `OrtIoBinding`. */
  async runBound(binding: bigint): Promise<void> {
    const call = [this.address, 0n, binding] as const;
    await this.#pace([], {
      here: () => api.runWithBinding.call(...call),
      offThread: () => api.runWithBindingOffThread.call(...call),
    });
  }

  async #pace(
    used: readonly unknown[],
    { here, offThread }: {
      here: () => bigint;
      offThread: () => Promise<bigint>;
    },
  ): Promise<void> {
    const start = performance.now();
    let status;
    if (this.#isLong) {
      const running = offThread();
      RUNNING.set(running, used);
      status = await running;
      RUNNING.delete(running);
    } else status = here();
    this.#isLong = performance.now() - start > LONG;
    check(status);
  }

  /** Ends the profile, and returns the path of its file. */
  endProfile(): string {
    if (!this.profiled) {
      throw new Error(
        "Cannot end a profile: the graph is compiled without one",
      );
    }
    return ownedText(
      made((out) => api.sessionEndProfiling.call(this.address, ALLOCATOR, out)),
    );
  }

  release(): void {
    api.releaseSession.call(this.address);
  }

  #names(
    count: typeof api.sessionGetInputCount,
    name: typeof api.sessionGetInputName,
  ): string[] {
    const length = made((out) => count.call(this.address, out));
    return Array.from({ length: Number(length) }, (_, i) =>
      ownedText(
        made((out) => name.call(this.address, BigInt(i), ALLOCATOR, out)),
      ));
  }
}

/** A text that onnxruntime made, and that is ours to free. */
function ownedText(address: bigint): string {
  const text = textAt(address);
  check(api.allocatorFree.call(ALLOCATOR, address));
  return text;
}
