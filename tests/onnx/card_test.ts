import { strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { freeOnCard } from "lib/onnx/card.ts";
import { temporaryFolder } from "../temporary_folder.ts";

/** What is free as a stand-in for the driver's program tells it. */
async function free(script: string, visible = ""): Promise<number | null> {
  using folder = temporaryFolder();
  const program = join(folder.path, "nvidia-smi");
  Deno.writeTextFileSync(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return await freeOnCard({ program, visible });
}

const POSIX = { ignore: Deno.build.os === "windows" };

Deno.test("a card's free memory is what the driver tells", POSIX, async () => {
  strictEqual(await free("echo 81000"), 81_000 * 2 ** 20);
  strictEqual(await free("echo 0"), 0);
});

Deno.test(
  "of several cards it is the one that is chosen, or the emptiest",
  POSIX,
  async () => {
    const script = `case "$1" in
    --id=1) echo 500;;
    --query*) printf "100\\n900\\n";;
  esac`;
    strictEqual(await free(script, "1,0"), 500 * 2 ** 20);
    strictEqual(await free(script), 900 * 2 ** 20);
  },
);

Deno.test("a driver that tells nothing has no answer", POSIX, async () => {
  for (const script of ["exit 9", "echo '[N/A]'", "true", "echo 5; exit 1"]) {
    strictEqual(await free(script), null, script);
  }
  strictEqual(await freeOnCard({ program: "/nowhere/nvidia-smi" }), null);
});
