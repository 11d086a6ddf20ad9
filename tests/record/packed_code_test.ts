import { deepEqual, equal, rejects } from "node:assert/strict";
import { join } from "node:path";
import { packedCode } from "lib/record/packed_code.ts";
import { temporaryFolder } from "../temporary_folder.ts";

function run(program: string, args: readonly string[], cwd: string): string {
  const { success, stdout, stderr } = new Deno.Command(program, {
    args: [...args],
    cwd,
  }).outputSync();
  const text = new TextDecoder();
  if (!success) throw new Error(text.decode(stderr));
  return text.decode(stdout).trim();
}

Deno.test("the code of a commit is packed without results and tests, and no other", async () => {
  using folder = temporaryFolder();
  const git = (...args: string[]) => run("git", args, folder.path);
  const write = (name: string, text: string) =>
    Deno.writeTextFileSync(join(folder.path, name), text);
  git("init", "--quiet");
  for (const name of ["lib", "results", "tests"]) {
    Deno.mkdirSync(join(folder.path, name));
    write(join(name, "file.ts"), "1;");
  }
  write("deno.json", "{}");
  git("add", ".");
  const author = ["-c", "user.name=me", "-c", "user.email=me@localhost"];
  git(...author, "commit", "--quiet", "--message", "Begin");
  // A result does not change the code.
  write("results/new.json", "{}");
  const { commit, archive } = await packedCode(folder.path);
  equal(commit, git("rev-parse", "HEAD"));
  Deno.writeFileSync(
    join(folder.path, "results/code.tar.gz"),
    await archive.bytes(),
  );
  const names = run("tar", ["-tzf", "results/code.tar.gz"], folder.path);
  deepEqual(names.split("\n"), ["deno.json", "lib/", "lib/file.ts"]);
  write("lib/file.ts", "2;");
  await rejects(packedCode(folder.path), /files differ from the commit/);
  await rejects(packedCode(null), /expected a checkout of the repository/);
});
