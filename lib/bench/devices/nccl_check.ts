import { ALONE } from "../../distributed/group.ts";
import { NcclGroup } from "../../distributed/nccl.ts";
import type { NcclPlaces } from "../../distributed/nccl_library.ts";
import type { Device } from "../../onnx/providers.ts";
import { createState } from "../../onnx/state.ts";
import { Rng } from "../../rng.ts";

/** What one rank does by NCCL: all that a machine with one card can show of it. */
export interface NcclCheck {
  readonly numbers: number;
  /** Whether they are the same after a sum over one rank. */
  readonly same: boolean;
  /** Seconds of joining, with the start of the library. */
  readonly join: number;
  /** Seconds of each sum; the first one makes connections. */
  readonly sums: readonly number[];
}

/** Tensors in the memory of a device, as gradients lie there. */
const SLOTS = Array.from({ length: 300 }, (_, i) => ({
  name: `${i}`,
  shape: [16, 1000],
}));
const TIMES = 5;

/**
 * Sums tensors where they lie by a communicator of one rank, which changes none.
 *
 * @throws Error with the words of NCCL, of CUDA, or of the system's loader.
 */
export async function checkNccl(
  { device, places }: { device: Device; places: NcclPlaces },
): Promise<NcclCheck> {
  const rng = new Rng("NCCL");
  const values = new Map(SLOTS.map(({ name, shape: [rows, columns] }) => [
    name,
    Float32Array.from({ length: rows! * columns! }, () => rng.normal()),
  ]));
  const state = await createState([SLOTS], device);
  await state.write(values);
  const timed = async <T>(call: () => Promise<T>) => {
    const start = performance.now();
    const result = await call();
    return { result, seconds: (performance.now() - start) / 1000 };
  };
  const joined = await timed(() => NcclGroup.join(ALONE, places));
  if (typeof joined.result === "string") throw new Error(joined.result);
  const { result: group, seconds: join } = joined;
  const sums: number[] = [];
  for (let i = 0; i < TIMES; i++) {
    const { seconds } = await timed(() =>
      group.allReduceOnDevice(state.memory())
    );
    sums.push(seconds);
  }
  const found = await state.read();
  await group.end();
  await state.release();
  const all = [...values];
  return {
    numbers: all.reduce((sum, [, { length }]) => sum + length, 0),
    same: all.every(([name, list]) => isSame(found.get(name)!, list)),
    ...{ join, sums },
  };
}

function isSame(a: Float32Array, b: Float32Array): boolean {
  return a.length === b.length && a.every((x, i) => x === b[i]);
}
