import type { LinearScaling, Llama3Scaling, RopeConfig } from "../config.ts";
import { isRecord, type JsonFields } from "../json_fields.ts";

/** What a family has for fields that are absent. */
export interface RopeDefaults {
  readonly headDim: number;
  /** What the base is called, and what it is. @default rope_theta, 10000 */
  readonly theta?: readonly [field: string, value: number];
  /**
   * The share of each head that is rotated, likewise. A family without it
   * rotates whole heads; a file that says otherwise is refused.
   */
  readonly rotaryShare?: readonly [field: string, value: number];
}

/** Older files have rope_theta and rope_scaling, newer ones rope_parameters. */
export function readRope(
  fields: JsonFields,
  defaults: RopeDefaults,
): RopeConfig {
  const rope = fields.object("rope_parameters") ??
    fields.object("rope_scaling");
  const config = ropeOf(fields, rope, defaults);
  // Settings for each type of layer would go unread.
  const nested = Object.entries(rope?.values ?? {})
    .find(([, value]) => isRecord(value));
  if (rope && nested) throw rope.error(nested[0], "a number or a text");
  return config;
}

/** Rotary settings of an object of them, or of the whole file's fields. */
export function ropeOf(
  fields: JsonFields,
  rope: JsonFields | null,
  defaults: RopeDefaults,
): RopeConfig {
  const [thetaField, usual] = defaults.theta ?? ["rope_theta", 10_000];
  return {
    theta: rope?.has("rope_theta")
      ? rope.positive("rope_theta")
      : fields.positive(thetaField, usual),
    scaling: rope && readScaling(rope),
    ...readSize(fields, rope, defaults),
  };
}

const SHARE = "partial_rotary_factor";

/** How much of a head is rotated, which is left out where it is all of it. */
function readSize(
  fields: JsonFields,
  rope: JsonFields | null,
  { headDim, rotaryShare }: RopeDefaults,
): { size?: number } {
  const [name, usual] = rotaryShare ?? [SHARE, 1];
  const [place, field] = rope?.has(SHARE) ? [rope, SHARE] : [fields, name];
  const share = place.positive(field, usual);
  if (share === 1) return {};
  if (!rotaryShare) throw place.error(field, "1: others are not supported");
  const size = Math.trunc(headDim * share);
  if (size > 0 && size < headDim && size % 2 === 0) return { size };
  throw place.error(field, `a share that is even of a head's ${headDim}`);
}

type Scaling = NonNullable<RopeConfig["scaling"]>;

/** Ways of stretching → what reads their parameters. */
const SCALINGS: ReadonlyMap<string, (rope: JsonFields) => Scaling | null> =
  new Map<string, (rope: JsonFields) => Scaling | null>([
    ["default", () => null],
    ["linear", readLinear],
    ["llama3", readLlama3],
  ]);

function readScaling(rope: JsonFields): Scaling | null {
  const field = rope.has("rope_type") ? "rope_type" : "type";
  const read = SCALINGS.get(rope.text(field, "default"));
  if (read) return read(rope);
  throw rope.error(field, `one of: ${[...SCALINGS.keys()].join(", ")}`);
}

function readLinear(rope: JsonFields): LinearScaling {
  return { kind: "linear", factor: rope.positive("factor") };
}

function readLlama3(rope: JsonFields): Llama3Scaling {
  const lowFrequencyFactor = rope.positive("low_freq_factor");
  const highFrequencyFactor = rope.positive("high_freq_factor");
  if (highFrequencyFactor <= lowFrequencyFactor) {
    throw rope.error("high_freq_factor", "more than low_freq_factor");
  }
  return {
    kind: "llama3",
    factor: rope.positive("factor"),
    lowFrequencyFactor,
    highFrequencyFactor,
    originalMaxPositions: rope.count("original_max_position_embeddings"),
  };
}
