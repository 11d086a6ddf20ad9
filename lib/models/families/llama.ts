import type { DecoderConfig } from "../config.ts";
import type { JsonFields } from "../json_fields.ts";
import { readBiases, readDecoder } from "./decoder_fields.ts";
import { readRope } from "./rope_fields.ts";

/** Llama 1 to 3.x, SmolLM 1 and 2, and what else is built alike. */
export function llamaConfig(fields: JsonFields): DecoderConfig {
  const config = readDecoder(fields, {
    epsilon: ["rms_norm_eps", 1e-6],
    maxPositions: 2048,
    tiedHead: false,
    bosId: 1,
    eosId: 2,
  });
  return { ...config, rope: readRope(fields, config), ...readBiases(fields) };
}
