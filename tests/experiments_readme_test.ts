import { equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { COMPARE_FLAGS } from "experiments/comparison/flags.ts";
import type { Flag } from "lib/cli/flag.ts";
import { readJsonValue } from "lib/cli/flag_value.ts";
import { readSettings } from "lib/cli/settings_file.ts";
import { LOSSES } from "lib/losses/registry.ts";
import { axisFlags } from "../scripts/compare/axes.ts";
import { checkout } from "./places.ts";
import { temporaryFolder } from "./temporary_folder.ts";

Deno.test("the example of experiments/README.md type-checks and runs", async () => {
  using folder = temporaryFolder();
  const text = Deno.readTextFileSync(checkout("experiments/README.md"));
  const [, code] = text.match(/```ts\n(.*?)```/s)!;
  const path = join(folder.path, "experiment.ts");
  Deno.writeTextFileSync(path, code!);
  const config = ["--config", checkout("deno.json")];
  const flags = ["--jobs", "1", "--out", join(folder.path, "coin")];
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--check", ...config, path, ...flags],
  }).output();
  const [out, error] = [stdout, stderr].map((bytes) =>
    new TextDecoder().decode(bytes)
  );
  match(
    out!,
    /^coin bias 0\.9 .* 0\.9\d \(0\.\d\d to 0\.9\d\)$/m,
    out! + error,
  );
  equal(out!.match(/^coin bias/gm)!.length, 2);
  match(out!, /^A biased coin .* 8 draws × 3 seeds, p 0\.0078 +shown$/m);
});

Deno.test("the files of gap have under 300 lines, as experiments/README.md says", () => {
  const folder = checkout("experiments/gap");
  const lines = [...Deno.readDirSync(folder)].map(({ name }) => name)
    .filter((name) => name.endsWith(".ts"))
    .map((name) =>
      Deno.readTextFileSync(join(folder, name)).split("\n").length - 1
    );
  equal(lines.length, 5);
  const total = lines.reduce((sum, count) => sum + count);
  ok(total < 300, `${total}`);
});

Deno.test("the settings of experiments/README.md are flags of compare, or options of its losses", async () => {
  using folder = temporaryFolder();
  const text = Deno.readTextFileSync(checkout("experiments/README.md"));
  const [, code] = text.match(/```ts\n([^`]*CompareFile;\n)```/)!;
  const path = join(folder.path, "mine.ts");
  Deno.writeTextFileSync(path, code!);
  const { values } = await readSettings(path);
  const flags: Record<string, Flag> = {
    ...COMPARE_FLAGS,
    ...axisFlags(LOSSES, COMPARE_FLAGS),
  };
  for (const [name, value] of Object.entries(values)) {
    ok(readJsonValue(flags[name]!, value) !== undefined, name);
  }
});
