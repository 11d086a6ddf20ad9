import { equal, match } from "node:assert/strict";
import { join } from "node:path";
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
