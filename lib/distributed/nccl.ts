import { reasonOf } from "../files/values.ts";
import {
  type DeviceArray,
  fromFirst,
  type Group,
  GroupError,
} from "./group.ts";
import {
  CONSTANTS,
  ID_BYTES,
  type NcclLibrary,
  type NcclPlaces,
  openNccl,
} from "./nccl_library.ts";

/** Operations that one group may have, by the documentation of older versions. */
const MOST = 2048;

/** Milliseconds between looks for a failure of the network. */
const LOOK_AFTER = 100;

/** The processes of another group, which sum what is on their GPUs by NCCL. */
export class NcclGroup implements Group {
  /** Whether the communicator is gone. */
  #isOver = false;

  private constructor(
    private readonly host: Group,
    private readonly nccl: NcclLibrary,
    private readonly communicator: bigint,
  ) {}

  /**
   * Joins the GPUs of all ranks: the first one that each process sees.
   *
   * @returns why not all ranks can, in words that follow a colon, where one
   * lacks a library.
   * @throws GroupError with NCCL's words, as where two ranks have the same GPU.
   */
  static async join(
    host: Group,
    places: NcclPlaces,
  ): Promise<NcclGroup | string> {
    const nccl = openedOrFault(places);
    const faults = await host.gather(typeof nccl === "string" ? nccl : null);
    const lacking = faults.findIndex((fault) => fault !== null);
    if (lacking >= 0) return `on rank ${lacking}, ${faults[lacking]}`;
    if (typeof nccl === "string") return nccl;
    const id = await fromFirst(host, () => {
      const id = new Uint8Array(ID_BYTES);
      requireSuccess(nccl, nccl.ncclGetUniqueId(id));
      return Promise.resolve(id);
    });
    // In use until the call is over, so it is held by name.
    const used = { id, made: new BigUint64Array(1) };
    const { rank, size } = host;
    const code = await nccl.ncclCommInitRank(used.made, size, used.id, rank);
    requireSuccess(nccl, code);
    return new NcclGroup(host, nccl, used.made[0]!);
  }

  get rank(): number {
    return this.host.rank;
  }

  get size(): number {
    return this.host.size;
  }

  allReduce(values: Float32Array<ArrayBuffer>): Promise<void> {
    return this.host.allReduce(values);
  }

  gather<T>(value: T): Promise<readonly T[]> {
    return this.host.gather(value);
  }

  /**
   * Sums in place. onnxruntime computes on streams of its own: the whole device
   * is waited for, before and after.
   */
  async allReduceOnDevice(arrays: readonly DeviceArray[]): Promise<void> {
    await this.#finished();
    for (let at = 0; at < arrays.length; at += MOST) {
      this.#enqueue(arrays.slice(at, at + MOST));
    }
    await this.#finished();
  }

  /** Waits for all ranks, and leaves. */
  async end(): Promise<void> {
    this.#isOver = true;
    const code = await this.nccl.ncclCommDestroy(this.communicator);
    requireSuccess(this.nccl, code);
  }

  /** Leaves without the others, and ends sums under way. */
  async abort(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    // There is an error to tell already.
    await this.nccl.ncclCommAbort(this.communicator);
  }

  #enqueue(arrays: readonly DeviceArray[]): void {
    const { nccl, communicator } = this;
    const { float32, sum, stream } = CONSTANTS;
    // All calls before the first check: a group that is begun must end.
    const codes = [
      nccl.ncclGroupStart(),
      ...arrays.map(({ address, length }) =>
        nccl.ncclAllReduce(
          ...[address, address, BigInt(length), float32, sum] as const,
          ...[communicator, stream] as const,
        )
      ),
      nccl.ncclGroupEnd(),
    ];
    for (const code of codes) requireSuccess(nccl, code);
  }

  /** Waits for all that the device computes, as long as the network does. */
  async #finished(): Promise<void> {
    const { nccl } = this;
    const failure = Promise.withResolvers<never>();
    let aborted: Promise<void> | undefined;
    const look = setInterval(() => {
      try {
        this.#requireHealth();
      } catch (error) {
        // First, as the device fails when its sums are ended.
        failure.reject(error);
        aborted ??= this.abort();
      }
    }, LOOK_AFTER);
    try {
      const code = await Promise.race([
        nccl.cudaDeviceSynchronize(),
        failure.promise,
      ]);
      if (code === 0) return;
      throw new GroupError(
        `CUDA failed: ${textAt(nccl.cudaGetErrorString(code))}`,
      );
    } finally {
      clearInterval(look);
      await aborted;
    }
  }

  /** @throws GroupError where the network has failed. */
  #requireHealth(): void {
    const { nccl, communicator } = this;
    if (this.#isOver) return;
    const state = new Int32Array(1);
    requireSuccess(nccl, nccl.ncclCommGetAsyncError(communicator, state));
    if (state[0] !== CONSTANTS.inProgress) requireSuccess(nccl, state[0]!);
  }
}

function openedOrFault(places: NcclPlaces): NcclLibrary | string {
  try {
    return openNccl(places);
  } catch (error) {
    return reasonOf(error).replace(/^(Could not open library: )+/, "");
  }
}

function requireSuccess(nccl: NcclLibrary, code: number): void {
  if (code === 0) return;
  const [what, why] = [
    nccl.ncclGetErrorString(code),
    nccl.ncclGetLastError(0n),
  ].map(textAt);
  throw new GroupError(`NCCL failed: ${what}${why ? ` (${why})` : ""}`);
}

function textAt(text: Deno.PointerValue): string {
  return text === null ? "" : Deno.UnsafePointerView.getCString(text).trim();
}
