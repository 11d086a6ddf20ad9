/** A symbol that not all libraries have. */
const ADDRESS = { type: "pointer", optional: true } as const;

/** Foreign functions and symbols that a library of MPI has. */
const SYMBOLS = {
  MPI_Init_thread: {
    parameters: ["pointer", "pointer", "i32", "buffer"],
    result: "i32",
  },
  MPI_Get_library_version: { parameters: ["buffer", "buffer"], result: "i32" },
  MPI_Comm_rank: { parameters: ["u64", "buffer"], result: "i32" },
  MPI_Comm_size: { parameters: ["u64", "buffer"], result: "i32" },
  // These wait for other ranks: on a thread of their own, so that signals have
  // their turn.
  MPI_Allreduce: {
    parameters: ["u64", "buffer", "i32", "u64", "u64", "u64"],
    result: "i32",
    nonblocking: true,
  },
  MPI_Allgather: {
    parameters: ["buffer", "i32", "u64", "buffer", "i32", "u64", "u64"],
    result: "i32",
    nonblocking: true,
  },
  MPI_Allgatherv: {
    parameters: [
      ...["buffer", "i32", "u64", "buffer", "buffer", "buffer"] as const,
      ...["u64", "u64"] as const,
    ],
    result: "i32",
    nonblocking: true,
  },
  MPI_Finalize: { parameters: [], result: "i32" },
  MPI_Abort: { parameters: ["u64", "i32"], result: "i32" },
  // Open MPI's handles are the addresses of these.
  openMpiWorld: { name: "ompi_mpi_comm_world", ...ADDRESS },
  openMpiFloat: { name: "ompi_mpi_float", ...ADDRESS },
  openMpiByte: { name: "ompi_mpi_byte", ...ADDRESS },
  openMpiSum: { name: "ompi_mpi_op_sum", ...ADDRESS },
} as const;

/** Values of constants, which differ between libraries. */
interface Constants {
  /** `MPI_COMM_WORLD` */
  readonly world: bigint;
  /** `MPI_FLOAT` */
  readonly float: bigint;
  /** `MPI_BYTE` */
  readonly byte: bigint;
  /** `MPI_SUM` */
  readonly sum: bigint;
  /** `MPI_IN_PLACE` */
  readonly inPlace: bigint;
  /** `MPI_THREAD_SERIALIZED` */
  readonly serialized: number;
}

/** The standard's: MPI 5.0, chapter 20, https://www.mpi-forum.org/docs/. */
const STANDARD: Constants = {
  world: 0x101n,
  float: 0x210n,
  byte: 0x247n,
  sum: 0x21n,
  inPlace: 1n,
  serialized: 2048,
};

/**
 * Those of MPICH and what is compatible with it, such as Intel's and Cray's:
 * https://www.mpich.org/abi/. A handle is an `int`, the lower half of a register.
 */
const MPICH: Constants = {
  world: 0x44000000n,
  float: 0x4c00040an,
  byte: 0x4c00010dn,
  sum: 0x58000003n,
  inPlace: 0xffff_ffff_ffff_ffffn,
  serialized: 2,
};

/** A library of MPI, with its functions and constants. */
export interface MpiLibrary {
  /** The name or path under which it was found. */
  readonly name: string;
  readonly constants: Constants;
  readonly functions: ReturnType<typeof open>;
}

/** Open MPI 4 and 5, the standard's interface, MPICH and its relatives. */
const NAMES = ["libmpi.so.40", "libmpi_abi.so.0", "libmpi.so.12"];

/**
 * Finds the library of MPI that belongs to the launcher of this process.
 *
 * @throws Error that lists what was looked for.
 */
export function findLibrary(): MpiLibrary {
  const given = Deno.env.get("PREFGRAD_MPI");
  // Launchers of MPICH's family tell it so; Open MPI's and PMIx do not.
  const byLauncher = Deno.env.has("PMI_SIZE") ? NAMES.toReversed() : NAMES;
  const names = given ? [given] : byLauncher;
  const failures: string[] = [];
  for (const name of names) {
    try {
      return libraryOf(name, open(name));
    } catch (error) {
      failures.push(error instanceof Error ? error.message : `${error}`);
    }
  }
  throw new Error(
    `Cannot load MPI: found none of ${names.join(", ")} ` +
      `(${
        failures[0]
      }); install Open MPI or MPICH, or name a library by PREFGRAD_MPI`,
  );
}

function open(name: string) {
  return Deno.dlopen(name, SYMBOLS).symbols;
}

function libraryOf(
  name: string,
  functions: ReturnType<typeof open>,
): MpiLibrary {
  const constants = openMpi(functions) ??
    (/_abi\b/.test(name) ? STANDARD : MPICH);
  return { name, constants, functions };
}

/** The constants of Open MPI; null for another library. */
function openMpi(functions: ReturnType<typeof open>): Constants | null {
  if (!functions.openMpiWorld) return null;
  const { openMpiWorld, openMpiFloat, openMpiByte, openMpiSum } = functions;
  return {
    world: Deno.UnsafePointer.value(openMpiWorld),
    float: Deno.UnsafePointer.value(openMpiFloat),
    byte: Deno.UnsafePointer.value(openMpiByte),
    sum: Deno.UnsafePointer.value(openMpiSum),
    inPlace: 1n,
    serialized: 2,
  };
}
