import { createHash } from "node:crypto";
import {
  type Conversion,
  convertedBytes,
} from "lib/models/gguf/convert_tensor.ts";
import { fixture } from "../../places.ts";

/** The path of a GGUF file that `gguf_files.py` made. */
export function ggufFile(name: string): string {
  return fixture(`gguf/${name}.gguf`);
}

/** The contents of a JSON file of the fixtures. */
export function expected<T>(name: string): T {
  return JSON.parse(Deno.readTextFileSync(fixture(`gguf/${name}.json`)));
}

/** SHA-256 of float32 values, all NaNs being equal. */
export function hashOf(values: Float32Array): string {
  const bits = new Uint32Array(values.length);
  const canonical = new Float32Array(bits.buffer);
  canonical.set(values);
  values.forEach((value, i) => {
    if (Number.isNaN(value)) bits[i] = 0x7fc00000;
  });
  return createHash("sha256").update(bits).digest("hex");
}

const TO_FLOAT32 = {
  F32: (bytes: ArrayBuffer) => new Float32Array(bytes),
  F16: (bytes: ArrayBuffer) => Float32Array.from(new Float16Array(bytes)),
  BF16: (bytes: ArrayBuffer) =>
    new Float32Array(
      Uint32Array.from(new Uint16Array(bytes), (half) => half << 16).buffer,
    ),
};

/** A converted tensor's elements. */
export function elementsOf(path: string, conversion: Conversion): Float32Array {
  using file = Deno.openSync(path);
  const bytes = [...convertedBytes(file, conversion)].flatMap((
    chunk,
  ) => [...chunk]);
  const { dtype } = conversion.tensor.format;
  return TO_FLOAT32[dtype](Uint8Array.from(bytes).buffer);
}
