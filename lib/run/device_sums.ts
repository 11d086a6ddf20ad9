import type { Group } from "../distributed/group.ts";
import { NcclGroup } from "../distributed/nccl.ts";
import type { NcclPlaces } from "../distributed/nccl_library.ts";
import { ncclPlaces } from "../onnx/ffi/cuda.ts";
import type { Device } from "../onnx/providers.ts";

/**
 * Does a part of a run with a group that sums where its devices compute, if it
 * can.
 */
export async function withDeviceSums<T>(
  group: Group,
  { device, onNote, places = ncclPlaces() }: {
    device: Device;
    /** Is told why sums go through the hosts' memory on CUDA. */
    onNote?: ((text: string) => void) | undefined;
    /** @default those of this machine */
    places?: NcclPlaces;
  },
  part: (group: Group) => Promise<T>,
): Promise<T> {
  if (device !== "cuda" || group.size === 1) return await part(group);
  const joined = await NcclGroup.join(group, places);
  if (typeof joined === "string") {
    onNote?.(
      `gradients are summed through the hosts' memory, without NCCL: ${joined}; ` +
        "`deno task setup cuda` gets it. With --full that may take most of a step",
    );
    return await part(group);
  }
  try {
    const result = await part(joined);
    await joined.end();
    return result;
  } catch (error) {
    await joined.abort();
    throw error;
  }
}
