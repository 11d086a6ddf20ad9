import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import {
  type Conversion,
  convertedBytes,
} from "lib/models/gguf/convert_tensor.ts";

const FOLDER = new URL("../../fixtures/gguf/", import.meta.url);

/** The path of a GGUF file that `gguf_files.py` made. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`${name}.gguf`, FOLDER));
}

/** What a JSON file of the fixtures says. */
export function expected<T>(name: string): T {
  return JSON.parse(Deno.readTextFileSync(new URL(`${name}.json`, FOLDER)));
}

/** SHA-256 of float32 values: of NaNs only that they are. */
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
  const { dtype } = conversion.tensor.type;
  return TO_FLOAT32[dtype](Uint8Array.from(bytes).buffer);
}
