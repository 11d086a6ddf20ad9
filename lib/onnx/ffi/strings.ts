/** A text as C has it: in UTF-8, with a zero at its end. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}

/** A path as onnxruntime takes it: in UTF-16 on Windows. */
export function pathString(path: string): BufferSource {
  if (Deno.build.os !== "windows") return cString(path);
  return Uint16Array.from(`${path}\0`, (unit) => unit.charCodeAt(0));
}

/** The text at an address. */
export function textAt(address: bigint): string {
  return Deno.UnsafePointerView.getCString(
    Deno.UnsafePointer.create(address)!,
  );
}

/** An array of texts as C has it, an address for each. */
export class CStrings {
  readonly addresses: BigUint64Array;
  readonly #texts: readonly Uint8Array<ArrayBuffer>[];

  constructor(texts: readonly string[]) {
    this.#texts = texts.map(cString);
    this.addresses = BigUint64Array.from(
      this.#texts,
      (text) => Deno.UnsafePointer.value(Deno.UnsafePointer.of(text)),
    );
  }
}
