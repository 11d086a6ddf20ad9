import { rejects, strictEqual } from "node:assert/strict";
import { streamRows } from "lib/data/containers/read_rows.ts";
import { loadTokenizer } from "lib/data/tokenizer/tokenizer.ts";
import { refuseStandIn } from "lib/files/stand_in.ts";
import { readAdapter } from "lib/models/adapter/adapter_folder.ts";
import { readGguf } from "lib/models/gguf/gguf_file.ts";
import { openModel, openTensors } from "lib/models/open_model.ts";
import { writeModelFolder } from "lib/models/model_folder.ts";
import { putPair } from "../models/random_pair.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const LFS = `version https://git-lfs.github.com/spec/v1
oid sha256:${"4d7a2146".repeat(8)}
size 1044992
`;

/** Stand-ins → what errors call them. */
const STAND_INS = [
  [LFS, /it is a Git LFS pointer, not the file .*"git lfs pull"/],
  [LFS.replaceAll("\n", "\r\n"), /it is a Git LFS pointer/],
  [LFS.replace("git-lfs", "hawser"), /it is a Git LFS pointer/],
  [
    LFS.replace("oid", "ext-0-foo sha256:00\noid"),
    /it is a Git LFS pointer/,
  ],
  ["/annex/objects/SHA256E-s3--abc.gguf\n", /it is a git-annex pointer/],
] as const;

/** Files of a folder with a model and an adapter → a reader of them. */
const READERS: Readonly<Record<string, (folder: string) => Promise<unknown>>> =
  {
    "model/config.json": (folder) => openModel(`${folder}/model`),
    "model/generation_config.json": (folder) => openModel(`${folder}/model`),
    "model/model.safetensors": (folder) => openModel(`${folder}/model`),
    "model/tokenizer.json": (folder) => loadTokenizer(`${folder}/model`),
    "model/merges.txt": (folder) => exported(`${folder}/model`),
    "adapter/adapter_config.json": (folder) => readAdapter(`${folder}/adapter`),
    "adapter/adapter_model.safetensors": (folder) =>
      readAdapter(`${folder}/adapter`),
    "model.gguf": (folder) => readGguf(`${folder}/model.gguf`),
    ...Object.fromEntries(
      ["jsonl", "json", "csv", "tsv", "parquet", "jsonl.gz", "csv.zst"]
        .map((end) => [
          `data.${end}`,
          (folder: string) =>
            Array.fromAsync(streamRows(`${folder}/data.${end}`)),
        ]),
    ),
  };

async function exported(from: string): Promise<void> {
  const { tensors } = await openTensors(from);
  await writeModelFolder(`${from}/out`, { from, tensors });
}

for (const [name, read] of Object.entries(READERS)) {
  Deno.test(`a stand-in for ${name} is told as such`, async () => {
    using folder = temporaryFolder();
    await putPair(folder.path);
    for (const [text, error] of STAND_INS) {
      await Deno.writeTextFile(`${folder.path}/${name}`, text);
      await rejects(read(folder.path), error);
    }
  });
}

Deno.test("a file that begins otherwise, or is larger, is no stand-in", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/file`;
  for (const text of ["", "version 1\n", `x${LFS}`, LFS + "-".repeat(1024)]) {
    await Deno.writeTextFile(path, text);
    strictEqual(await refuseStandIn(path), undefined);
  }
  await rejects(refuseStandIn(`${path}-no`), Deno.errors.NotFound);
});
