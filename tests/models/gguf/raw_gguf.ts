/** Bytes of GGUF's parts, made without our reader's help. */
export type Bytes = readonly number[];

const encoder = new TextEncoder();

export function uint32(value: number): Bytes {
  return [...new Uint8Array(Uint32Array.of(value).buffer)];
}

export function uint64(value: number | bigint): Bytes {
  return [...new Uint8Array(BigUint64Array.of(BigInt(value)).buffer)];
}

export function float32(value: number): Bytes {
  return [...new Uint8Array(Float32Array.of(value).buffer)];
}

export function text(value: string): Bytes {
  const bytes = encoder.encode(value);
  return [...uint64(bytes.length), ...bytes];
}

/** A field of the metadata: its value is made of bytes. */
export function field(key: string, type: number, value: Bytes): Bytes {
  return [...text(key), ...uint32(type), ...value];
}

export const textField = (key: string, value: string) =>
  field(key, 8, text(value));

export const numberField = (key: string, value: number) =>
  field(key, 4, uint32(value));

/** A tensor's entry, F32 with the row's size first. */
export function entry(
  name: string,
  { type = 0, sizes = [4], offset = 0 }: {
    type?: number;
    sizes?: readonly (number | bigint)[];
    offset?: number | bigint;
  } = {},
): Bytes {
  return [
    ...text(name),
    ...uint32(sizes.length),
    ...sizes.flatMap(uint64),
    ...uint32(type),
    ...uint64(offset),
  ];
}

export interface RawGguf {
  readonly start?: Bytes;
  readonly fields?: readonly Bytes[];
  readonly fieldCount?: number | bigint;
  readonly entries?: readonly Bytes[];
  readonly entryCount?: number | bigint;
  /** Bytes behind the header, which begin aligned. */
  readonly data?: number;
}

/** The bytes of a file; counts are those of what is there unless given. */
export function rawGguf({
  start = [...encoder.encode("GGUF"), ...uint32(3)],
  fields = [],
  fieldCount = fields.length,
  entries = [],
  entryCount = entries.length,
  data = 0,
}: RawGguf): Uint8Array {
  const header = [
    ...start,
    ...uint64(entryCount),
    ...uint64(fieldCount),
    ...fields.flat(),
    ...entries.flat(),
  ];
  const length = data
    ? Math.ceil(header.length / 32) * 32 + data
    : header.length;
  const bytes = new Uint8Array(length);
  bytes.set(header);
  return bytes;
}
