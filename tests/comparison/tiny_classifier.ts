import { join } from "node:path";
import { Graph } from "lib/onnx/graph/graph.ts";
import { encodeModel } from "lib/onnx/proto.ts";
import { renameValues } from "lib/onnx/rename.ts";
import { add, cast, mul } from "lib/ops/elementwise.ts";
import { gather } from "lib/ops/indexing.ts";
import { sum, unsqueeze } from "lib/ops/shaping.ts";
import {
  baseSize,
  type ByteTokenizerOptions,
  writeByteTokenizer,
} from "../data/byte_tokenizer.ts";

/** Settings of {@linkcode writeClassifier}. */
export interface ClassifierOptions extends ByteTokenizerOptions {
  /** @default 1 */
  readonly labels?: number;
  /** Whether the graph asks for `token_type_ids`. @default true */
  readonly segments?: boolean;
  /** Name of the output. @default "logits" */
  readonly output?: string;
  /** Fields of config.json. @default none */
  readonly model?: Readonly<Record<string, unknown>>;
  /** Folder of the graph in the model's. @default "." */
  readonly graph?: string;
}

/** What a token and a segment add to the logit of a label. */
export const weightOf = (id: number, label = 0) =>
  (id % 7 - 3) / 4 + label * id;
export const SEGMENT_WEIGHT = 100;

/**
 * Writes a model folder with a byte-level tokenizer and a classifier whose logit
 * of a label is the sum of {@linkcode weightOf} over tokens, and of
 * {@linkcode SEGMENT_WEIGHT} over those of the second text.
 */
export async function writeClassifier(
  folder: string,
  { labels = 1, segments = true, output = "logits", ...options }:
    ClassifierOptions = {},
): Promise<void> {
  const { model = {}, graph: place = ".", ...tokenizer } = options;
  await writeByteTokenizer(folder, tokenizer);
  await Deno.writeTextFile(join(folder, "config.json"), JSON.stringify(model));
  await Deno.mkdir(join(folder, place), { recursive: true });
  const graph = new Graph();
  const input = (name: string) =>
    graph.input(name, ["batch", "length"], "int64");
  const table = (
    rows: number,
    weight: (row: number, label: number) => number,
  ) =>
    graph.constant(
      Float32Array.from(
        { length: rows * labels },
        (_, i) => weight(Math.floor(i / labels), i % labels),
      ),
      [rows, labels],
    );
  const ids = gather(table(baseSize, weightOf), input("input_ids"));
  const mask = cast(unsqueeze(input("attention_mask"), [2]), "float32");
  const scored = segments
    ? add(
      ids,
      gather(table(2, (k) => k * SEGMENT_WEIGHT), input("token_type_ids")),
    )
    : ids;
  const logits = sum(mul(scored, mask), [1]);
  renameValues(graph, new Map([[logits.name, output]]));
  await Deno.writeFile(
    join(folder, place, "model.onnx"),
    encodeModel(graph, [{ ...logits, name: output }]),
  );
}
