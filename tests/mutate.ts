import type { Rng } from "lib/rng.ts";

/** A changed copy of a file's bytes. */
export type Mutation = (
  bytes: Uint8Array,
  rng: Rng,
) => Uint8Array<ArrayBuffer>;

/** A whole number below `n`. */
export function below(n: number, rng: Rng): number {
  return Math.floor(rng.uniform() * n);
}

/** One of a list. */
export function pick<T>(list: readonly T[], rng: Rng): T {
  return list[below(list.length, rng)]!;
}

const flipBits: Mutation = (bytes, rng) => {
  const copy = Uint8Array.from(bytes);
  for (let left = 1 + below(8, rng); left > 0; left--) {
    copy[below(copy.length, rng)]! ^= 1 << below(8, rng);
  }
  return copy;
};

const truncate: Mutation = (bytes, rng) =>
  Uint8Array.from(bytes.subarray(0, below(bytes.length, rng)));

/** A piece of the file, somewhere else in it. */
const splice: Mutation = (bytes, rng) => {
  const [a, b, at] = Array.from({ length: 3 }, () => below(bytes.length, rng));
  const piece = bytes.subarray(Math.min(a!, b!), Math.max(a!, b!));
  return Uint8Array.of(
    ...bytes.subarray(0, at!),
    ...piece,
    ...bytes.subarray(at! + (rng.uniform() < 0.5 ? 0 : piece.length)),
  );
};

/** Of files of any kind. */
export const BYTE_MUTATIONS: readonly Mutation[] = [flipBits, truncate, splice];

/** What a number may be replaced by: the ends of ranges, and what is none. */
const NUMBERS =
  "0 -0 1 -1 2 7 0.5 255 65536 1e9 2147483647 2147483648 4294967296 9007199254740991 9007199254740993 1e20 1e308 1e999 -1e999 null NaN [] {} true"
    .split(" ");
const TEXTS = [
  '""',
  '"__proto__"',
  '"constructor"',
  '"F64"',
  '"BF16"',
  '"../../etc/passwd"',
  '"(a+)+$"',
  '"\\ud800"',
  '"<s>"',
  "0",
  "null",
  "[[]]",
];

/** Of JSON: values for others, doubled and missing parts, depth. */
export const JSON_MUTATIONS: readonly Mutation[] = [
  onMatch(/-?\d+(\.\d+)?(e[+-]?\d+)?/g, (_, rng) => pick(NUMBERS, rng)),
  onMatch(/"(?:[^"\\]|\\.)*"/g, (_, rng) => pick(TEXTS, rng)),
  onMatch(/"(?:[^"\\]|\\.)*":[^,{}[\]]*,/g, (entry) => entry + entry),
  onMatch(/"(?:[^"\\]|\\.)*":[^,{}[\]]*,/g, () => ""),
  onMatch(/[[{]/g, (bracket) => bracket.repeat(1000)),
];

/** Replaces one match of a pattern. */
function onMatch(
  pattern: RegExp,
  replace: (found: string, rng: Rng) => string,
): Mutation {
  return (bytes, rng) => {
    const text = new TextDecoder().decode(bytes);
    const matches = [...text.matchAll(pattern)];
    if (matches.length === 0) return Uint8Array.from(bytes);
    const { 0: found, index } = pick(matches, rng);
    return new TextEncoder().encode(
      text.slice(0, index) + replace(found, rng) +
        text.slice(index + found.length),
    );
  };
}

/** The same of a safetensors file's header, whose length is put right. */
export function inHeader(mutation: Mutation): Mutation {
  return (bytes, rng) => {
    const { buffer, byteOffset } = bytes;
    const length = Number(
      new DataView(buffer, byteOffset).getBigUint64(0, true),
    );
    const header = mutation(bytes.subarray(8, 8 + length), rng);
    const size = new Uint8Array(
      BigUint64Array.of(BigInt(header.length)).buffer,
    );
    return Uint8Array.of(...size, ...header, ...bytes.subarray(8 + length));
  };
}
