import type { AttentionTiles } from "../data/attention_tiles.ts";
import type { TreeBatch } from "../data/tree_batch.ts";
import type { TileInputs } from "../models/decoder/tiles.ts";
import type { Graph } from "../onnx/graph/graph.ts";
import type {
  GraphInput,
  InputTable,
  Numbers,
} from "../onnx/graph/input_table.ts";
import { inputValues } from "../onnx/inputs.ts";

type Batch = { readonly tree: Pick<TreeBatch, "tiling"> };

/** Cuts of a batch's attention, 0 if it works in rows. */
export function cutsOf({ tiling }: Pick<TreeBatch, "tiling">): number {
  return tiling ? tiling.tiles.length - 1 : 0;
}

/** The inputs through which a graph reads attention's tiles: none without cuts. */
export function tileInputs(cuts: number): InputTable<Batch> {
  if (cuts === 0) return {};
  const tiles = Array.from({ length: cuts + 1 }, (_, i) => ({
    [queriesOf(i)]: filled([`R${i}`, `L${i}`], (all) => all.tiles[i]!.queries),
    [keysOf(i)]: filled([`R${i}`, `U${i}`], (all) => all.tiles[i]!.keys),
  }));
  return {
    ...Object.assign({}, ...tiles),
    queryPlaces: filled([3, 2, "N"], ({ queryPlaces }) => queryPlaces),
    keyPlaces: filled([3, cuts + 1, "N"], ({ keyPlaces }) => keyPlaces),
  };
}

/** Attention's tiles as values of a graph; `null` without cuts. */
export function tileValues(graph: Graph, cuts: number): TileInputs | null {
  if (cuts === 0) return null;
  const values = inputValues(graph, tileInputs(cuts));
  return {
    tiles: Array.from({ length: cuts + 1 }, (_, i) => ({
      queries: values[queriesOf(i)]!,
      keys: values[keysOf(i)]!,
    })),
    queryPlaces: values["queryPlaces"]!,
    keyPlaces: values["keyPlaces"]!,
  };
}

const queriesOf = (tile: number) => `tileQueries.${tile}`;
const keysOf = (tile: number) => `tileKeys.${tile}`;

/** @throws TypeError where a batch that is to fill it has attention in rows. */
function filled(
  shape: GraphInput<Batch>["shape"],
  fill: (tiling: AttentionTiles) => Numbers,
): GraphInput<Batch> {
  return {
    shape,
    fill: ({ tree: { tiling } }) => {
      if (tiling) return fill(tiling);
      throw new TypeError("Cannot fill attention's tiles: the batch has none");
    },
  };
}
