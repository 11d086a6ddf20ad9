import { deepStrictEqual, rejects } from "node:assert/strict";
import { join } from "node:path";
import {
  exportSource,
  type SourceOptions,
} from "../../../scripts/export/source.ts";
import { temporaryFolder } from "../../temporary_folder.ts";

/** Makes empty files, and the folders they are in. */
function withFiles(files: readonly string[]) {
  const folder = temporaryFolder();
  for (const file of files) {
    const path = join(folder.path, file);
    Deno.mkdirSync(join(path, ".."), { recursive: true });
    Deno.writeTextFileSync(path, "");
  }
  return folder;
}

Deno.test("a folder is a model, with the adapter that is named", async () => {
  using root = withFiles(["model/config.json", "adapter/adapter_config.json"]);
  const path = (name: string) => join(root.path, name);
  const found = async (adapter?: string) => {
    const source = await exportSource(path("model"), { adapter });
    return [source.model.folder, source.adapter?.folder, source.trainedOn];
  };
  deepStrictEqual(await found(), [path("model"), undefined, null]);
  deepStrictEqual(await found(path("adapter")), [
    path("model"),
    path("adapter"),
    null,
  ]);
});

Deno.test("a run of all parameters has its model", async () => {
  using run = withFiles(["run.json", "model/config.json"]);
  const { model, adapter } = await exportSource(run.path, {});
  deepStrictEqual(model.folder, join(run.path, "model"));
  deepStrictEqual(adapter, null);
});

const REFUSED: [files: string[], SourceOptions, message: RegExp][] = [
  [["run.json"], {}, /Cannot export the run .*expected adapter or model/],
  [["run.json"], { adapter: "x" }, /Cannot use --adapter: the run .* its own/],
  [
    ["run.json", "model/config.json"],
    { base: "x" },
    /Cannot use --base: the run .* has a model of its own/,
  ],
  [["config.json"], { base: "x" }, /Cannot use --base: .* no run.json in /],
  [["run.json", "adapter/x"], {}, /Cannot read .*run.json/],
];

for (const [files, options, message] of REFUSED) {
  const given = Object.keys(options).map((name) => `--${name}`).join(" ");
  Deno.test(`a folder of ${files.join(", ")} ${given} is refused`, async () => {
    using folder = withFiles(files);
    await rejects(exportSource(folder.path, options), message);
  });
}
