import { wantedAdapter } from "../adapters.ts";
import type { Device } from "../providers.ts";
import { findCuda } from "./cuda.ts";
import { api, check, made } from "./library.ts";
import { type HostArray, OrtValue } from "./ort_value.ts";
import { cString, CStrings, pathString } from "./strings.ts";

/** What a session is made with. */
export interface SessionSettings {
  readonly device: Device;
  /** Whether products of float32 on CUDA may read 11 bits of each number. @default false */
  readonly tf32?: boolean;
  /** Threads that share the work of one operator. */
  readonly threads: number;
  readonly optimization: keyof typeof OPTIMIZATION;
  /** How the path begins of a file for the times of nodes. */
  readonly profile: string | null;
  /** Entries of https://github.com/microsoft/onnxruntime/blob/v1.30.0/include/onnxruntime/core/session/onnxruntime_session_options_config_keys.h. */
  readonly config: Readonly<Record<string, string>>;
  /** Bytes of constants that the model itself lacks, by name. @default none */
  readonly held?: ReadonlyMap<string, HostArray>;
}

/** `GraphOptimizationLevel`. */
const OPTIMIZATION = { none: 0, basic: 1, all: 99 } as const;

/** `ORT_LOGGING_LEVEL_FATAL`: errors are thrown; it would print them too. */
export const FATAL = 4;

/** An `OrtSessionOptions`. */
export class SessionOptions implements Disposable {
  readonly address: bigint;
  readonly #held = new DisposableStack();

  constructor(settings: SessionSettings) {
    this.address = made((out) => api.createSessionOptions.call(out));
    try {
      this.#set(settings);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    api.releaseSessionOptions.call(this.address);
    this.#held.dispose();
  }

  #set(
    { device, tf32 = false, threads, ...settings }: SessionSettings,
  ): void {
    const options = this.address;
    const { optimization, profile, config } = settings;
    check(api.setSessionLogSeverityLevel.call(options, FATAL));
    check(api.setIntraOpNumThreads.call(options, threads));
    check(api.setInterOpNumThreads.call(options, 1));
    const level = OPTIMIZATION[optimization];
    check(api.setSessionGraphOptimizationLevel.call(options, level));
    // With the pattern planner on, a training step's peak doubles.
    check(api.disableMemPattern.call(options));
    if (profile !== null) {
      check(api.enableProfiling.call(options, pathString(profile)));
    }
    this.#append(device, tf32);
    for (const [key, value] of Object.entries(config)) {
      const [name, text] = [cString(key), cString(value)];
      check(api.addSessionConfigEntry.call(options, name, text));
    }
    if (settings.held?.size) this.#hold(settings.held);
  }

  #hold(held: ReadonlyMap<string, HostArray>): void {
    const names = new CStrings([...held.keys()]);
    const addresses = BigUint64Array.from(
      held.values(),
      (array) => this.#held.use(OrtValue.over(array)).address,
    );
    check(api.addExternalInitializers.call(
      ...[this.address, names.addresses, addresses] as const,
      BigInt(held.size),
    ));
  }

  /** Gives nodes to a device; those that it has no kernel for stay on CPU. */
  #append(device: Device, tf32: boolean): void {
    if (device === "webgpu") {
      const { keys, values, count } = new Entries({
        powerPreference: wantedAdapter(),
      });
      check(api.appendExecutionProvider.call(
        ...[this.address, cString("WebGPU")] as const,
        ...[keys.addresses, values.addresses, count] as const,
      ));
    }
    if (device === "cuda") {
      findCuda();
      using cuda = new CudaOptions({
        "device_id": "0",
        "use_tf32": tf32 ? "1" : "0",
      });
      check(api.appendCuda.call(this.address, cuda.address));
    }
  }
}

/** An `OrtCUDAProviderOptionsV2`: https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html#configuration-options. */
class CudaOptions implements Disposable {
  readonly address: bigint;

  constructor(settings: Readonly<Record<string, string>>) {
    this.address = made((out) => api.createCudaProviderOptions.call(out));
    const { keys, values, count } = new Entries(settings);
    check(api.updateCudaProviderOptions.call(
      ...[this.address, keys.addresses, values.addresses, count] as const,
    ));
  }

  [Symbol.dispose](): void {
    api.releaseCudaProviderOptions.call(this.address);
  }
}

/** Settings as C has them. */
class Entries {
  readonly keys: CStrings;
  readonly values: CStrings;
  readonly count: bigint;

  constructor(settings: Readonly<Record<string, string>>) {
    this.keys = new CStrings(Object.keys(settings));
    this.values = new CStrings(Object.values(settings));
    this.count = BigInt(this.keys.addresses.length);
  }
}
