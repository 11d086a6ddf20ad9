import { writeSafetensors } from "lib/models/weights/write_safetensors.ts";
import type { NamedTensor } from "lib/models/weights/safetensors_header.ts";

/** How fixtures/architectures.py draws a tensor: uniform in center ± width. */
export interface Draw {
  readonly shape: readonly number[];
  readonly center: number;
  readonly width: number;
}

/**
 * The tensor that `seeded` of fixtures/architectures.py draws, bit for bit:
 * FNV-1a of the name (http://www.isthe.com/chongo/tech/comp/fnv/) seeds a
 * counter, whose values lowbias32 (https://github.com/skeeto/hash-prospector)
 * mixes.
 */
export function seeded(
  name: string,
  { shape, center, width }: Draw,
): Float32Array {
  const seed = fnv1a(new TextEncoder().encode(name));
  const length = shape.reduce((a, b) => a * b);
  return Float32Array.from({ length }, (_, i) => {
    const bits = lowbias32(seed + Math.imul(i, 0x9e3779b9));
    return center + width * ((bits >>> 8) / 2 ** 23 - 1);
  });
}

/** Writes drawn tensors as a safetensors file. */
export async function putSeeded(
  path: string,
  draws: Readonly<Record<string, Draw>>,
): Promise<void> {
  const tensors: NamedTensor[] = Object.entries(draws).map(([name, draw]) => ({
    name,
    shape: draw.shape,
    data: seeded(name, draw),
  }));
  await writeSafetensors(path, tensors);
}

function fnv1a(bytes: Uint8Array): number {
  return bytes.reduce(
    (hash, byte) => Math.imul(hash ^ byte, 0x01000193),
    0x811c9dc5,
  );
}

function lowbias32(x: number): number {
  x = Math.imul(x ^ x >>> 16, 0x7feb352d);
  x = Math.imul(x ^ x >>> 15, 0x846ca68b);
  return (x ^ x >>> 16) >>> 0;
}
