import type { DecoderConfig } from "../config.ts";
import type { JsonFields } from "../json_fields.ts";
import {
  countOrNone,
  readDecoder,
  slidingEverywhere,
} from "./decoder_fields.ts";
import { readRope } from "./rope_fields.ts";

/** Llama with a window in all layers, if any. https://arxiv.org/abs/2310.06825 */
export function mistralConfig(fields: JsonFields): DecoderConfig {
  const config = readDecoder(fields, {
    kvHeads: 8,
    epsilon: ["rms_norm_eps", 1e-6],
    maxPositions: 131_072,
    tiedHead: false,
    bosId: 1,
    eosId: 2,
  });
  const window = countOrNone(fields, "sliding_window", 4096);
  const rope = readRope(fields, config);
  return { ...config, rope, ...slidingEverywhere({ ...config, rope }, window) };
}
