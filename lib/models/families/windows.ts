import type { DecoderConfig } from "../config.ts";
import type { JsonFields } from "../json_fields.ts";

/** Whether a layer sees the last positions only. */
type LayerType = "sliding_attention" | "full_attention";

/**
 * The window of each layer, `null` where it sees everything.
 *
 * @param usual whether layer i slides where `layer_types` does not say.
 * @throws Error where `layer_types` is not a list of as many known types, or
 * has layers slide without a window.
 */
export function readWindows(
  fields: JsonFields,
  { layers, window, usual }: {
    layers: number;
    window: number | null;
    usual: (layer: number) => boolean;
  },
): (number | null)[] {
  const types = readTypes(fields, layers);
  return Array.from({ length: layers }, (_, i) => {
    const slides = types ? types[i] === "sliding_attention" : usual(i);
    if (!slides) return null;
    if (window !== null) return window;
    throw fields.error("sliding_window", "the window of layers that slide");
  });
}

/** Every layer with the same window; nothing where there is none. */
export function slidingEverywhere(
  { layers, rope }: Pick<DecoderConfig, "layers" | "rope">,
  window: number | null,
): Pick<DecoderConfig, "perLayer"> {
  if (window === null) return {};
  return { perLayer: new Array(layers).fill({ rope, window }) };
}

function readTypes(fields: JsonFields, layers: number): LayerType[] | null {
  const name = "layer_types";
  if (!fields.has(name)) return null;
  const list = fields.values[name];
  if (
    Array.isArray(list) && list.length === layers && list.every(isLayerType)
  ) return list;
  throw fields.error(
    name,
    `${layers} times sliding_attention or full_attention`,
  );
}

function isLayerType(type: unknown): type is LayerType {
  return type === "sliding_attention" || type === "full_attention";
}
