import type {
  LinearScaling,
  Llama3Scaling,
  PairScaling,
  RopeConfig,
} from "../config.ts";
import type { ConfigReader } from "./config_reader.ts";
import { isObject } from "../../files/values.ts";

/** A family's values of absent fields. */
export interface RopeDefaults {
  readonly headDim: number;
  /** Name and value of the base. @default rope_theta, 10000 */
  readonly theta?: readonly [field: string, value: number];
  /**
   * Name and value of the share of each head that is rotated. A family without
   * it rotates whole heads, and refuses files with another share.
   */
  readonly rotaryShare?: readonly [field: string, value: number];
  /** Types of scaling that only this family has. */
  readonly scalings?: ReadonlyMap<string, ScalingReader>;
  readonly maxPositions: number;
  /** Where the original positions are read. @default the rotary settings */
  readonly originals?: ConfigReader | null;
}

/** A rotation as far as its scaling depends on it. */
interface Rotation {
  readonly theta: number;
  /** Elements of a head that are rotated. */
  readonly size: number;
  readonly maxPositions: number;
  /** Positions that the model was first trained for. */
  readonly originalMaxPositions: number;
}

/** Reads the scaling of a rotation. */
export type ScalingReader = (
  rope: ConfigReader,
  rotation: Rotation,
) => RopeConfig["scaling"];

/**
 * Reads rotary settings. Older files have rope_theta and rope_scaling, newer
 * ones rope_parameters; rope_scaling wins, as in transformers, since people add
 * it by hand.
 */
export function readRope(
  fields: ConfigReader,
  defaults: RopeDefaults,
): RopeConfig {
  const scaling = fields.object("rope_scaling");
  const isEmpty = Object.keys(scaling?.values ?? {}).length === 0;
  const rope = isEmpty ? fields.object("rope_parameters") : scaling;
  // transformers lets the file's own field win.
  const originals = fields.has(ORIGINAL) ? fields : rope;
  const config = ropeOf(fields, rope, { ...defaults, originals });
  // Settings for each type of layer would go unread.
  const nested = Object.entries(rope?.values ?? {})
    .find(([, value]) => isObject(value));
  if (rope && nested) throw rope.error(nested[0], "a number or a text");
  return config;
}

/** Reads rotary settings from their object, or from the fields of the file. */
export function ropeOf(
  fields: ConfigReader,
  rope: ConfigReader | null,
  defaults: RopeDefaults,
): RopeConfig {
  const { headDim, maxPositions } = defaults;
  const [name, fallback] = defaults.theta ?? ["rope_theta", 10_000];
  const theta = rope?.has("rope_theta")
    ? rope.positive("rope_theta")
    : fields.positive(name, fallback);
  const part = readSize(fields, rope, defaults);
  const scaling = rope && scalingReader(rope, defaults)(rope, {
    theta,
    size: headDim,
    ...part,
    maxPositions,
    originalMaxPositions: (defaults.originals ?? rope)
      .count(ORIGINAL, maxPositions),
  });
  return { theta, scaling, ...part };
}

const ORIGINAL = "original_max_position_embeddings";
const SHARE = "partial_rotary_factor";

/** Reads the elements of a head that are rotated, left out if all are. */
function readSize(
  fields: ConfigReader,
  rope: ConfigReader | null,
  { headDim, rotaryShare }: RopeDefaults,
): { size?: number } {
  const [name, fallback] = rotaryShare ?? [SHARE, 1];
  const [source, field] = rope?.has(SHARE) ? [rope, SHARE] : [fields, name];
  const share = source.positive(field, fallback);
  if (share === 1) return {};
  if (!rotaryShare) throw source.error(field, "1: others are not supported");
  const size = Math.trunc(headDim * share);
  if (size > 0 && size < headDim && size % 2 === 0) return { size };
  throw source.error(field, `a share that is even of a head's ${headDim}`);
}

/** Readers of parameters by type of scaling. */
const SCALINGS: ReadonlyMap<string, ScalingReader> = new Map<
  string,
  ScalingReader
>([
  ["default", () => null],
  ["dynamic", readDynamic],
  ["linear", readLinear],
  ["llama3", readLlama3],
  ["yarn", readYarn],
]);

function scalingReader(
  rope: ConfigReader,
  { scalings = new Map() }: RopeDefaults,
): ScalingReader {
  const known = new Map([...SCALINGS, ...scalings]);
  const field = rope.has("rope_type") ? "rope_type" : "type";
  const read = known.get(rope.text(field, "default"));
  if (read) return read;
  throw rope.error(field, `one of: ${[...known.keys()].join(", ")}`);
}

/**
 * Dynamic scaling changes the base for texts beyond `max_position_embeddings`,
 * which is as far as texts go here.
 */
function readDynamic(rope: ConfigReader): null {
  rope.positive("factor");
  return null;
}

function readLinear(rope: ConfigReader): LinearScaling {
  return { kind: "linear", factor: rope.positive("factor") };
}

function readLlama3(
  rope: ConfigReader,
  { originalMaxPositions }: Rotation,
): Llama3Scaling {
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
    originalMaxPositions,
  };
}

/**
 * Pairs that turn more than `beta_fast` times within the original positions
 * stay, those that turn fewer than `beta_slow` times are stretched by `factor`,
 * in frequency those between smoothly. https://arxiv.org/abs/2309.00071
 */
function readYarn(
  rope: ConfigReader,
  { theta, size, maxPositions, originalMaxPositions: original }: Rotation,
): PairScaling {
  const factor = rope.values["factor"] === null
    ? maxPositions / original
    : rope.positive("factor");
  /** The pair, not a whole one, that turns so often. */
  const pairOf = (turns: number) =>
    size * Math.log(original / (turns * 2 * Math.PI)) / (2 * Math.log(theta));
  const whole = rope.flag("truncate", true);
  const fast = pairOf(nonzero(rope, "beta_fast") ?? 32);
  const slow = pairOf(nonzero(rope, "beta_slow") ?? 1);
  const first = Math.max(whole ? Math.floor(fast) : fast, 0);
  const last = Math.min(whole ? Math.ceil(slow) : slow, size - 1);
  const factors = Array.from({ length: size / 2 }, (_, i) => {
    const ramp = (i - first) / (last === first ? 0.001 : last - first);
    const share = Math.min(Math.max(ramp, 0), 1);
    return 1 / (1 - share + share / factor);
  });
  return { kind: "pairs", factors, amplitude: yarnAmplitude(rope, factor) };
}

/** A number above zero, or none: 0 counts as absent, as in Python's `or`. */
function nonzero(rope: ConfigReader, name: string): number | null {
  return rope.values[name] ? rope.positive(name) : null;
}

function yarnAmplitude(rope: ConfigReader, factor: number): number {
  const grown = (scale: number) =>
    factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1;
  const [own, all] = ["mscale", "mscale_all_dim"]
    .map((name) => nonzero(rope, name));
  const fallback = own && all ? grown(own) / grown(all) : grown(1);
  return rope.positive("attention_factor", fallback);
}
