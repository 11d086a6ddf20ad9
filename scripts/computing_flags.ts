import { DEVICE_WORDS } from "lib/onnx/devices.ts";
import { choice, integer } from "lib/verb.ts";

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

/** For verbs that work on micro-batches. */
export const memory = {
  microTokens: integer({
    help: "tokens in memory at once; does not change what is computed",
    default: 1024,
    min: 1,
    group: COMPUTING,
  }),
} as const;
