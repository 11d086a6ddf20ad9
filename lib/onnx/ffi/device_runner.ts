import { DeviceError } from "../providers.ts";
import { ALLOCATOR, api, check, made } from "./library.ts";
import type { OrtSession } from "./ort_session.ts";
import { HOST, memoryOf, OrtValue } from "./ort_value.ts";
import type { Bound, HostNumbers, Ports, Runner } from "./ports.ts";
import { cString } from "./strings.ts";

/** The memory of devices. */
const MEMORY = { cuda: memoryOf("Cuda"), webgpu: memoryOf("WebGPU_Buf") };

/**
 * Runs a session on a device. Arrays are copied there and back; tensors on the
 * device are read and written where they are.
 */
export class DeviceRunner implements Runner {
  readonly #session: OrtSession;
  readonly #device: keyof typeof MEMORY;
  readonly #inputs: readonly Uint8Array<ArrayBuffer>[];
  readonly #outputs: readonly Uint8Array<ArrayBuffer>[];
  /** Where each output goes that a run makes. */
  readonly #memory: readonly bigint[];

  constructor(
    session: OrtSession,
    { inputs, outputs }: Ports,
    { device, keep }: {
      device: keyof typeof MEMORY;
      /** Whether an output stays on the device. */
      keep: readonly boolean[];
    },
  ) {
    this.#session = session;
    this.#device = device;
    this.#inputs = inputs.map(({ name }) => cString(name));
    this.#outputs = outputs.map(({ name }) => cString(name));
    this.#memory = keep.map((stays) => stays ? MEMORY[device] : HOST);
  }

  async run(
    feeds: readonly Bound[],
    into: readonly (Bound | undefined)[],
  ): Promise<Bound[]> {
    using binding = new IoBinding(this.#session);
    feeds.forEach((feed, i) => binding.input(this.#inputs[i]!, feed));
    for (const [i, name] of this.#outputs.entries()) {
      if (into[i]) binding.output(name, into[i]);
      else binding.newOutput(name, this.#memory[i]!);
    }
    await this.#session.runBound(binding.address).catch((error) => {
      throw new DeviceError(this.#device, error);
    });
    return binding.outputs().map((value, i) => {
      if (!into[i] && this.#memory[i] !== HOST) return value;
      using _ = value;
      return into[i] ?? value.read() as HostNumbers;
    });
  }

  release(): void {
    this.#session.release();
  }
}

/** An `OrtIoBinding`: the tensors of one run. */
class IoBinding implements Disposable {
  readonly address: bigint;
  readonly #arrays = new DisposableStack();

  constructor(session: OrtSession) {
    this.address = made((out) =>
      api.createIoBinding.call(session.address, out)
    );
  }

  input(name: BufferSource, tensor: Bound): void {
    const { address } = this.#valueOf(tensor);
    check(api.bindInput.call(this.address, name, address));
  }

  output(name: BufferSource, tensor: Bound): void {
    const { address } = this.#valueOf(tensor);
    check(api.bindOutput.call(this.address, name, address));
  }

  newOutput(name: BufferSource, memory: bigint): void {
    check(api.bindOutputToDevice.call(this.address, name, memory));
  }

  /** The outputs in the order in which they were bound, to be freed. */
  outputs(): OrtValue[] {
    const count = new BigUint64Array(1);
    const list = made((out) =>
      api.getBoundOutputValues.call(this.address, ALLOCATOR, out, count)
    );
    const addresses = new Deno.UnsafePointerView(
      Deno.UnsafePointer.create(list)!,
    );
    const values = Array.from(
      { length: Number(count[0]) },
      (_, i) => new OrtValue(addresses.getBigUint64(8 * i)),
    );
    check(api.allocatorFree.call(ALLOCATOR, list));
    return values;
  }

  [Symbol.dispose](): void {
    api.releaseIoBinding.call(this.address);
    this.#arrays.dispose();
  }

  #valueOf(tensor: Bound): OrtValue {
    if (tensor instanceof OrtValue) return tensor;
    return this.#arrays.use(OrtValue.over(tensor));
  }
}
