const encoder = new TextEncoder();

/**
 * Writes a message of Protocol Buffers, field by field, in one array that
 * grows: a graph has thousands of small fields. Its format:
 * https://protobuf.dev/programming-guides/encoding.
 */
export class ProtoWriter {
  #bytes = new Uint8Array(1024);
  #length = 0;

  /** The bytes of all fields so far. */
  get written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Writes a whole number, of 64 bits. */
  integer(field: number, value: number): void {
    this.#varint(field << 3);
    this.#varint(value);
  }

  /** Writes a number, of 32 bits. */
  float(field: number, value: number): void {
    this.#varint((field << 3) | 5);
    this.#append(new Uint8Array(Float32Array.of(value).buffer));
  }

  text(field: number, text: string): void {
    this.bytes(field, encoder.encode(text));
  }

  bytes(field: number, bytes: Uint8Array): void {
    this.#varint((field << 3) | 2);
    this.#varint(bytes.length);
    this.#append(bytes);
  }

  /** Writes a message within this one, of the fields that `write` writes. */
  message(field: number, write: () => void): void {
    this.#varint((field << 3) | 2);
    const start = this.#length;
    write();
    const end = this.#length;
    // The size stands before the fields, and takes as many bytes as it needs.
    this.#varint(end - start);
    const size = this.#bytes.slice(end, this.#length);
    this.#bytes.copyWithin(start + size.length, start, end);
    this.#bytes.set(size, start);
  }

  /** Base-128 digits, least significant first; two's complement if negative. */
  #varint(value: number): void {
    this.#reserve(10);
    if (value >= 0 && value < 128) {
      this.#bytes[this.#length++] = value;
      return;
    }
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 127n; rest >>= 7n) {
      this.#bytes[this.#length++] = Number(rest & 127n) | 128;
    }
    this.#bytes[this.#length++] = Number(rest);
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.written);
    this.#bytes = grown;
  }
}
