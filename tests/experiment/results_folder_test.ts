import { deepEqual, equal, rejects } from "node:assert/strict";
import { join } from "node:path";
import { ResultsFolder } from "lib/experiment/results_folder.ts";
import { temporaryFolder } from "../temporary_folder.ts";

function namesIn(path: string): string[] {
  return [...Deno.readDirSync(path)].map(({ name }) => name).sort();
}

Deno.test("new results replace older ones as a whole", async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, "deep", "results");
  for (const names of [["summary.json", "old"], ["summary.json", "new"]]) {
    await using results = await ResultsFolder.create(out);
    for (const name of names) Deno.mkdirSync(join(results.path, name));
    await results.publish();
    deepEqual(namesIn(out), names.toSorted());
  }
  deepEqual(namesIn(join(folder.path, "deep")), ["results"]);
});

Deno.test("results that are not published leave older ones as they are", async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, "results");
  Deno.mkdirSync(join(out, "summary.json"), { recursive: true });
  await rejects(async () => {
    await using results = await ResultsFolder.create(out);
    Deno.mkdirSync(join(results.path, "half"));
    throw new Error("crash");
  }, /crash/);
  deepEqual(namesIn(out), ["summary.json"]);
  deepEqual(namesIn(folder.path), ["results"]);
});

Deno.test("a folder of something else is not replaced", async () => {
  using folder = temporaryFolder();
  Deno.writeTextFileSync(join(folder.path, "thesis.tex"), "");
  await rejects(
    ResultsFolder.create(folder.path),
    /Cannot write results to .*: it holds thesis.tex but no summary.json, expected an empty folder or older results/,
  );
  equal(namesIn(folder.path).join(), "thesis.tex");
});

Deno.test("a place that cannot be written is an error at once", async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "file");
  Deno.writeTextFileSync(file, "");
  await rejects(
    ResultsFolder.create(join(file, "results")),
    /Cannot write results to .*file/,
  );
});
