/** An `ncclUniqueId`, which is passed by value: 128 bytes. */
export const ID_BYTES = 128;
const UNIQUE_ID = {
  struct: Array.from({ length: ID_BYTES / 8 }, () => "u64" as const),
};

/** A result and a communicator are an `int` and an address. */
const NCCL = {
  ncclGetUniqueId: { parameters: ["buffer"], result: "i32" },
  ncclGetErrorString: { parameters: ["i32"], result: "pointer" },
  ncclGetLastError: { parameters: ["u64"], result: "pointer" },
  ncclCommGetAsyncError: { parameters: ["u64", "buffer"], result: "i32" },
  // A group of operations is one thread's.
  ncclGroupStart: { parameters: [], result: "i32" },
  ncclGroupEnd: { parameters: [], result: "i32" },
  ncclAllReduce: {
    parameters: ["u64", "u64", "usize", "i32", "i32", "u64", "u64"],
    result: "i32",
  },
  // These wait for other ranks: on a thread of their own, so that signals have
  // their turn.
  ncclCommInitRank: {
    parameters: ["buffer", "i32", UNIQUE_ID, "i32"],
    result: "i32",
    nonblocking: true,
  },
  ncclCommDestroy: { parameters: ["u64"], result: "i32", nonblocking: true },
  ncclCommAbort: { parameters: ["u64"], result: "i32", nonblocking: true },
} as const;

const RUNTIME = {
  cudaGetErrorString: { parameters: ["i32"], result: "pointer" },
  cudaDeviceSynchronize: { parameters: [], result: "i32", nonblocking: true },
} as const;

/**
 * Values of `nccl.h`, the same in each version 2:
 * https://docs.nvidia.com/deeplearning/nccl/user-guide/docs/api/types.html.
 */
export const CONSTANTS = {
  /** `ncclInProgress` */
  inProgress: 7,
  /** `ncclFloat32` */
  float32: 7,
  /** `ncclSum` */
  sum: 0,
  /** The default stream. */
  stream: 0n,
} as const;

/** Where NVIDIA's libraries are: names or paths. */
export interface NcclPlaces {
  /** NCCL, of version 2.13 or newer. */
  readonly nccl: string;
  /** CUDA's runtime, the one by which this process computes. */
  readonly runtime: string;
}

/** NCCL and CUDA's runtime. */
export type NcclLibrary = ReturnType<typeof openNccl>;

/** @throws Error of the system, which names the library that it does not find. */
export function openNccl({ nccl, runtime }: NcclPlaces) {
  return {
    ...Deno.dlopen(nccl, NCCL).symbols,
    ...Deno.dlopen(runtime, RUNTIME).symbols,
  };
}
