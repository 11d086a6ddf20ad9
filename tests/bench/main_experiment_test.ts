import { ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { timeExperiment } from "lib/bench/main_experiment.ts";
import { temporaryFolder } from "../temporary_folder.ts";

Deno.test("an experiment is timed as its script runs, and its words tell of a fault", async () => {
  using folder = temporaryFolder();
  const script = join(folder.path, "script.ts");
  await Deno.writeTextFile(
    script,
    `const [, out, ...rest] = Deno.args;
    if (rest.join() !== "--quick") {
      console.error("Cannot run: all of it");
      Deno.exit(1);
    }
    Deno.mkdirSync(out);
    await new Promise((done) => setTimeout(done, 200));`,
  );
  const seconds = await timeExperiment(script, { quick: true });
  ok(seconds > 0.2 && seconds < 60, `${seconds} s`);
  await rejects(
    timeExperiment(script, { quick: false }),
    /failed: Cannot run: all of it/,
  );
});
