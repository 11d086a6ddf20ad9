import { ok } from "node:assert/strict";
import { checkout } from "../places.ts";
import { smolLm2Test } from "../smollm2.ts";
import { temporaryFolder } from "../temporary_folder.ts";

const PROGRAM = checkout("tests/run/measured_run.ts");

for (
  const [what, ...given] of [
    ["DPO", "dpo"],
    ["ORPO, which has no reference", "orpo"],
    ["KTO, which scores rows in each step", "kto"],
    ["DPO with an evaluation", "dpo", "evaluated"],
  ] as const
) {
  smolLm2Test(
    `a run keeps within 15 % of its estimated memory: ${what}`,
    async (model) => {
      using folder = temporaryFolder();
      const args = ["run", "-A", "--no-check", PROGRAM, model, folder.path];
      const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [...args, ...given],
      }).output();
      const text = new TextDecoder().decode(stdout);
      ok(text, new TextDecoder().decode(stderr));
      const { estimated, measured } = JSON.parse(text);
      const ratio = measured / estimated;
      ok(Math.abs(ratio - 1) < 0.15, `${measured} for ${estimated}: ${ratio}`);
    },
    { ignore: Deno.build.os !== "linux" },
  );
}
