import { BASE_WEIGHTS } from "lib/models/base_weights.ts";
import { DEVICE_WORDS } from "lib/onnx/devices.ts";
import { choice, integer } from "lib/cli/verb.ts";

/** Heading under which help lists where and how a verb computes. */
export const COMPUTING = "Computing";

/** Where a verb computes. */
export const computing = {
  device: choice(DEVICE_WORDS, {
    help: "where to compute",
    default: "auto",
    group: COMPUTING,
  }),
  threads: integer({
    help: "threads on CPU",
    default: navigator.hardwareConcurrency,
    min: 1,
    group: COMPUTING,
  }),
} as const;

/** For verbs that hold weights without training them. */
export const holding = {
  baseWeights: choice(BASE_WEIGHTS, {
    help: "how weights that are not trained are held, on CPU; arithmetic is " +
      "in float32",
    default: "float32",
    group: COMPUTING,
  }),
} as const;

/** For verbs that work on micro-batches. */
export const memory = {
  microTokens: integer({
    help: "tokens in memory at once; does not change what is computed",
    default: 1024,
    min: 1,
    group: COMPUTING,
  }),
} as const;

const UNITS = ["B", "KB", "MB", "GB", "TB"];

/**
 * A number of bytes as people write it: `5GB`, `500 MB`, in powers of 1000.
 *
 * @throws RangeError for another text, which names the flag it came from.
 */
export function byteCount(text: string, flag: string): number {
  const [, digits, unit = "B"] =
    text.match(/^(\d+(?:\.\d+)?) ?([KMGT]?B)?$/i) ?? [];
  const bytes = Number(digits) * 1000 ** UNITS.indexOf(unit.toUpperCase());
  if (bytes >= 1) return bytes;
  throw new RangeError(
    `Cannot read --${flag} "${text}": expected a size such as 5GB or 500MB`,
  );
}
