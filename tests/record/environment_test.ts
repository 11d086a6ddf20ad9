import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { environment, provenance } from "lib/record/environment.ts";
import { temporaryFolder } from "../temporary_folder.ts";

Deno.test("provenance() tells the commit, and changes outside results", async () => {
  using folder = temporaryFolder();
  const checkout = folder.path;
  const write = (name: string) => Deno.writeTextFile(join(checkout, name), "");
  strictEqual(await provenance({ checkout }), null, "no repository");
  await git(checkout, "init", "--quiet");
  strictEqual(await provenance({ checkout }), null, "no commit");
  await write("a.ts");
  await git(checkout, "add", ".");
  await git(checkout, "commit", "--quiet", "--message", "first");
  const commit = (await git(checkout, "rev-parse", "HEAD")).trim();
  deepStrictEqual(await provenance({ checkout }), { commit, dirty: false });

  const results = join(checkout, "results");
  await Deno.mkdir(results);
  await write("results/run.json");
  deepStrictEqual(await provenance({ checkout }), { commit, dirty: false });
  strictEqual(await provenance({ checkout: results }), null, "not the top");

  await write("b.ts");
  deepStrictEqual(await provenance({ checkout }), { commit, dirty: true });
});

Deno.test("environment() has exact versions and the execution it is given", () => {
  const execution = { device: "cpu", precision: "float32", threads: 2 };
  const found = environment(execution);
  deepStrictEqual({ ...found, ...execution }, found);
  match(found.packages["onnxruntime-node"] ?? "", /^\d+\.\d+\.\d+$/);
  match(found.packages["@huggingface/hub"] ?? "", /^\d+\.\d+\.\d+$/);
  match(found.packages["csv-stringify"] ?? "", /^\d+\.\d+\.\d+$/);
  strictEqual(found.packages["lib/"], undefined);
  match(found.lockfile ?? "", /^[0-9a-f]{64}$/);
  strictEqual(found.deno, Deno.version.deno);
  ok(found.cores >= 1);
});

Deno.test("peakMemory() is a high-water mark in bytes", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  const module = import.meta.resolve("lib/record/environment.ts");
  const code = `import { peakMemory } from "${module}";
    const before = peakMemory();
    const size = 2 * before;
    new Uint8Array(size).fill(1);
    console.log(JSON.stringify({ before, size, after: peakMemory() }));`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", code],
  }).output();
  const { before, size, after } = JSON.parse(new TextDecoder().decode(stdout));
  ok(before > 2 ** 23 && before < 2 ** 32, `${before} bytes at the start`);
  ok(
    after >= size && after < before + 2 * size,
    `${after} bytes after ${size} more`,
  );
});

async function git(cwd: string, ...args: string[]): Promise<string> {
  const identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
  const command = new Deno.Command("git", {
    args: [...identity, ...args],
    cwd,
  });
  const { success, stdout, stderr } = await command.output();
  ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}
