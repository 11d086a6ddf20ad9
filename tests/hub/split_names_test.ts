import { deepStrictEqual, throws } from "node:assert/strict";
import { dataFiles } from "lib/hub/select.ts";

const SPLITS = [
  "train",
  "train_prefs",
  "train_sft",
  "train_gen",
  "training",
  "test",
  "test_prefs",
  "testing",
  "validation",
  "valid",
  "val",
  "dev",
  "eval",
  "evaluation",
];

/** How repositories and people name the files of a split, by its shard. */
const NAMES: readonly ((split: string, shard: number) => string)[] = [
  (split, shard) => `data/${split}-0000${shard}-of-00002.parquet`,
  (split, shard) => `${split}_${shard}.jsonl`,
  (split, shard) => `${split}/000${shard}.parquet`,
  (split, shard) => `en-${split}/part-${shard}.json`,
  (split, shard) => `pairs_${split}.${shard}.csv`,
  (split, shard) => `default/${split.toUpperCase()}/${shard}.jsonl.gz`,
  (split, shard) => `contest-${split}_part${shard}.jsonl`,
  (split, shard) => `${split}_shard_${shard}.jsonl.zst`,
];

for (const name of NAMES) {
  Deno.test(`files like ${name("train", 0)} are shards of a split, and two splits are never one`, () => {
    for (const split of SPLITS) {
      const shards = [name(split, 0), name(split, 1)];
      deepStrictEqual(dataFiles(shards, "it", { part: null }), shards);
      for (const other of SPLITS) {
        if (other === split) continue;
        const both = [split, other].toSorted();
        const paths = [...shards, name(other, 0)];
        throws(() => dataFiles(paths, "it", { part: null }), {
          message: new RegExp(
            `^Cannot tell which split of it to take \\(${both.join(", ")}\\): `,
          ),
        });
        deepStrictEqual(
          dataFiles(paths, "it", { part: null, split }),
          shards,
        );
      }
    }
  });
}
