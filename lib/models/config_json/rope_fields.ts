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
}

/** Reads the scaling of a rotation with a base and a number of elements. */
export type ScalingReader = (
  rope: ConfigReader,
  rotation: { readonly theta: number; readonly size: number },
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
  const rope = fields.object("rope_scaling") ??
    fields.object("rope_parameters");
  const config = ropeOf(fields, rope, defaults);
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
  const { headDim, theta: [name, fallback] = ["rope_theta", 10_000] } =
    defaults;
  const theta = rope?.has("rope_theta")
    ? rope.positive("rope_theta")
    : fields.positive(name, fallback);
  const part = readSize(fields, rope, defaults);
  const rotation = { theta, size: headDim, ...part };
  const scaling = rope && readScaling(rope, rotation, defaults);
  return { theta, scaling, ...part };
}

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
  ["linear", readLinear],
  ["llama3", readLlama3],
  ["yarn", readYarn],
]);

function readScaling(
  rope: ConfigReader,
  rotation: { theta: number; size: number },
  { scalings = new Map() }: RopeDefaults,
): RopeConfig["scaling"] {
  const known = new Map([...SCALINGS, ...scalings]);
  const field = rope.has("rope_type") ? "rope_type" : "type";
  const read = known.get(rope.text(field, "default"));
  if (read) return read(rope, rotation);
  throw rope.error(field, `one of: ${[...known.keys()].join(", ")}`);
}

function readLinear(rope: ConfigReader): LinearScaling {
  return { kind: "linear", factor: rope.positive("factor") };
}

function readLlama3(rope: ConfigReader): Llama3Scaling {
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

/**
 * Pairs that turn more than `beta_fast` times within the original positions
 * stay, those that turn fewer than `beta_slow` times are stretched by `factor`,
 * in frequency those between smoothly. https://arxiv.org/abs/2309.00071
 */
function readYarn(
  rope: ConfigReader,
  { theta, size }: { theta: number; size: number },
): PairScaling {
  const factor = rope.positive("factor");
  const original = rope.count("original_max_position_embeddings");
  /** The pair, not a whole one, that turns so often. */
  const pairOf = (turns: number) =>
    size * Math.log(original / (turns * 2 * Math.PI)) / (2 * Math.log(theta));
  const whole = rope.flag("truncate", true);
  const fast = pairOf(rope.positive("beta_fast", 32));
  const slow = pairOf(rope.positive("beta_slow", 1));
  const first = Math.max(whole ? Math.floor(fast) : fast, 0);
  const last = Math.min(whole ? Math.ceil(slow) : slow, size - 1);
  const factors = Array.from({ length: size / 2 }, (_, i) => {
    const ramp = (i - first) / (last === first ? 0.001 : last - first);
    const share = Math.min(Math.max(ramp, 0), 1);
    return 1 / (1 - share + share / factor);
  });
  return { kind: "pairs", factors, amplitude: yarnAmplitude(rope, factor) };
}

function yarnAmplitude(rope: ConfigReader, factor: number): number {
  const grown = (scale: number) =>
    factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1;
  const fallback = rope.has("mscale") && rope.has("mscale_all_dim")
    ? grown(rope.positive("mscale")) / grown(rope.positive("mscale_all_dim"))
    : grown(1);
  return rope.positive("attention_factor", fallback);
}
