import type { DecoderConfig } from "../config.ts";
import type { JsonFields } from "../json_fields.ts";
import { countOrNone, readDecoder } from "./decoder_fields.ts";
import { slidingEverywhere } from "./mistral.ts";
import { readRope } from "./rope_fields.ts";

/**
 * Phi-3 and 3.5: Llama with matrices joined, and perhaps a window. The stretched
 * positions of its long variants (longrope) are not supported.
 * https://arxiv.org/abs/2404.14219
 */
export function phi3Config(fields: JsonFields): DecoderConfig {
  const config = readDecoder(fields, {
    epsilon: ["rms_norm_eps", 1e-5],
    maxPositions: 4096,
    tiedHead: false,
    bosId: 1,
    eosId: 32_000,
  });
  const rope = readRope(fields, {
    ...config,
    rotaryShare: ["partial_rotary_factor", 1],
  });
  const window = countOrNone(fields, "sliding_window", null);
  return {
    ...config,
    rope,
    projections: "joined",
    mlp: "joined gate",
    ...slidingEverywhere({ ...config, rope }, window),
  };
}
