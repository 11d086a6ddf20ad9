import { deepStrictEqual, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { checkNccl } from "lib/bench/devices/nccl_check.ts";
import { compileDouble, noCompiler } from "../../distributed/nccl_double.ts";
import { temporaryFolder } from "../../temporary_folder.ts";

Deno.test({
  name: noCompiler === null
    ? "a sum over one rank changes nothing, and is timed"
    : `a sum over one rank changes nothing (${noCompiler})`,
  ignore: noCompiler !== null,
  fn: async () => {
    using folder = temporaryFolder();
    const calls = join(folder.path, "calls");
    Deno.env.set("NCCL_DOUBLE_CALLS", calls);
    const double = await compileDouble(folder.path);
    const places = { nccl: double, runtime: double };
    const { sums, join: joining, ...found } = await checkNccl({
      ...{ device: "cpu", places },
    });
    deepStrictEqual(found, { numbers: 4_800_000, same: true });
    ok(sums.length === 5 && joining > 0);
    const last = Deno.readTextFileSync(`${calls}.0`).trim().split("\n").at(-1);
    deepStrictEqual(last, "destroy");
  },
});

Deno.test("a check without the library says which one it did not find", async () => {
  const places = { nccl: "/nowhere/libnccl.so.2", runtime: "libc.so.6" };
  await rejects(checkNccl({ device: "cpu", places }), {
    message: /^on rank 0, \/nowhere\/libnccl\.so\.2: cannot open/,
  });
});
