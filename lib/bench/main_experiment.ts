import { join } from "node:path";
import { runProgram } from "../files/program.ts";
import { temporaryFolder } from "../files/temporary.ts";

/**
 * Seconds of the main experiment by its script, from the start of the process to
 * the figure, in a folder that is removed.
 */
export async function timeExperiment(
  script: string,
  { quick }: { quick: boolean },
): Promise<number> {
  using folder = await temporaryFolder();
  const out = ["--out", join(folder.path, "out")];
  const flags = quick ? [...out, "--quick"] : out;
  const start = performance.now();
  await runProgram(Deno.execPath(), ["run", "-A", script, ...flags]);
  return (performance.now() - start) / 1000;
}
