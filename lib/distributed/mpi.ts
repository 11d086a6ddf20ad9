import { deserialize, serialize } from "node:v8";
import { type Group, GroupError } from "./group.ts";
import { findLibrary, type MpiLibrary } from "./mpi_library.ts";

/** What a rank tells all: a value, or why it has failed. */
type Told<T> = { readonly value: T } | { readonly failure: string };

/** Numbers, or bytes of all ranks, that one call moves at most: its counts are int32. */
const MOST = 2 ** 30;

/** Milliseconds in which others come to a call, after their longest work. */
const PATIENCE = 5 * 60_000;

/**
 * The processes that one launcher has started, as `mpirun` and
 * `srun --mpi=pmix` do, over MPI.
 */
export class MpiGroup implements Group {
  /** Whether all ranks know that one has failed. */
  #hasFailed = false;
  /** Memory of calls under way, which perhaps nothing else holds. */
  readonly #inUse = new Set<readonly unknown[]>();

  private constructor(
    private readonly mpi: MpiLibrary,
    readonly rank: number,
    readonly size: number,
    /** The library's own name and version. */
    readonly library: string,
  ) {}

  /**
   * Joins the other processes; once in the life of a process.
   *
   * @throws Error where no library is found, it is not that of the launcher, or
   * cannot be called from threads.
   */
  static join(): MpiGroup {
    const mpi = findLibrary();
    const { constants: { world, serialized }, functions } = mpi;
    const number = (read: (result: Int32Array<ArrayBuffer>) => number) => {
      const result = new Int32Array(1);
      succeed(read(result));
      return result[0]!;
    };
    const level = number((provided) =>
      functions.MPI_Init_thread(null, null, serialized, provided)
    );
    const library = versionOf(mpi);
    if (level < serialized) {
      throw new Error(
        `Cannot use ${library} (${mpi.name}): it lets one thread only call it, expected MPI_THREAD_SERIALIZED`,
      );
    }
    const rank = number((result) => functions.MPI_Comm_rank(world, result));
    const size = number((result) => functions.MPI_Comm_size(world, result));
    assertLaunched(size, `${library} (${mpi.name})`);
    return new MpiGroup(mpi, rank, size, library);
  }

  async allReduce(values: Float32Array<ArrayBuffer>): Promise<void> {
    const { constants: { inPlace, float, sum, world }, functions } = this.mpi;
    for (let at = 0; at < values.length; at += MOST) {
      const part = values.subarray(at, at + MOST);
      await this.#call(
        functions.MPI_Allreduce(inPlace, part, part.length, float, sum, world),
        part,
      );
    }
  }

  async gather<T>(value: T): Promise<readonly T[]> {
    const all = await this.#tell<T>({ value });
    return all.map((told, rank) => {
      if ("value" in told) return told.value;
      this.#hasFailed = true;
      throw new GroupError(`Rank ${rank}: ${told.failure}`);
    });
  }

  /**
   * Tells the other ranks, whose next `gather` throws, of this one's failure,
   * unless they know of one, and waits until each has come here: they save what
   * they have before all end. Within a sum none hears of it.
   *
   * @param options milliseconds after which those that have not heard of it are
   * waited for no more.
   */
  async fail(
    reason: string,
    { patience = PATIENCE }: { patience?: number } = {},
  ): Promise<void> {
    using given = within(patience);
    const heard = this.#hasFailed || this.#tell({ failure: reason });
    if (await Promise.race([given.up, heard]) === null) return;
    await this.#tell({ value: null });
  }

  async #tell<T>(told: Told<T>): Promise<Told<T>[]> {
    const bytes = new Uint8Array(serialize(told));
    const parts = Array.from(
      await this.#lengths(bytes.length),
      (length) => new Uint8Array(length),
    );
    const longest = Math.max(...parts.map(({ length }) => length));
    const step = Math.floor(MOST / this.size);
    for (let at = 0; at < longest; at += step) {
      const pieces = parts.map((part) => part.subarray(at, at + step));
      await this.#pieces(bytes.subarray(at, at + step), pieces);
    }
    return parts.map((part): Told<T> => deserialize(part));
  }

  /** Waits for all ranks, and leaves. */
  async end(): Promise<void> {
    await this.gather(null);
    succeed(this.mpi.functions.MPI_Finalize());
  }

  /** Ends all ranks at once, and this process. */
  abort(status: number): void {
    this.mpi.functions.MPI_Abort(this.mpi.constants.world, status);
  }

  /** Every rank's number. */
  async #lengths(length: number): Promise<Float64Array> {
    const { constants: { byte, world }, functions } = this.mpi;
    const own = Float64Array.of(length);
    const all = new Float64Array(this.size);
    const bytes = own.byteLength;
    await this.#call(
      functions.MPI_Allgather(own, bytes, byte, all, bytes, byte, world),
      own,
      all,
    );
    return all;
  }

  /** Fills each rank's piece with what it sends. */
  async #pieces(
    own: Uint8Array<ArrayBuffer>,
    pieces: readonly Uint8Array[],
  ): Promise<void> {
    const { constants: { byte, world }, functions } = this.mpi;
    const counts = Int32Array.from(pieces, ({ length }) => length);
    let end = 0;
    const starts = counts.map((count) => (end += count) - count);
    const all = new Uint8Array(end);
    await this.#call(
      functions.MPI_Allgatherv(
        ...[own, own.length, byte] as const,
        ...[all, counts, starts, byte, world] as const,
      ),
      ...[own, counts, starts, all],
    );
    for (const [rank, piece] of pieces.entries()) {
      piece.set(all.subarray(starts[rank], starts[rank]! + piece.length));
    }
  }

  async #call(call: Promise<number>, ...inUse: unknown[]): Promise<void> {
    this.#inUse.add(inUse);
    const code = await call;
    this.#inUse.delete(inUse);
    succeed(code);
  }
}

/** Null after so many milliseconds, unless it is disposed of. */
function within(milliseconds: number): Disposable & { up: Promise<null> } {
  const { promise, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), milliseconds);
  return { up: promise, [Symbol.dispose]: () => clearTimeout(timer) };
}

function succeed(code: number): void {
  // By MPI's default an error ends the job before it could be returned.
  if (code !== 0) throw new Error(`A call of MPI failed with code ${code}`);
}

function versionOf({ functions }: MpiLibrary): string {
  const text = new Uint8Array(8192); // MPI_MAX_LIBRARY_VERSION_STRING at most
  const length = new Int32Array(1);
  succeed(functions.MPI_Get_library_version(text, length));
  const [first = ""] = new TextDecoder().decode(text.subarray(0, length[0]))
    .split(/[\n,\0]/);
  return first.replace(/\s+/g, " ").trim();
}

/** By launcher, the variable that tells how many processes it has started. */
const LAUNCHED = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"];

/** Checks that a library knows the processes which the launcher has started. */
function assertLaunched(size: number, library: string): void {
  if (size > 1) return;
  const name = LAUNCHED.find((name) => Number(Deno.env.get(name)) > 1);
  if (!name) return;
  throw new Error(
    `Cannot join ${
      Deno.env.get(name)
    } processes (${name}): ${library} finds this one alone, so it is not the launcher's; name the right library by PREFGRAD_MPI, or start with mpirun or srun --mpi=pmix of the same MPI`,
  );
}
