/**
 * Runs a script of the repository several times in a process, which starts
 * once: as a program, `run_in_turn.ts NAME TURNS`, with the turns as JSON.
 */
import { checkout } from "../places.ts";
import { type Outcome, outcome } from "./run_script.ts";

/** A command line, and the folder that it is given in. */
export interface Turn {
  /** @default that of the turn before */
  readonly cwd?: string;
  readonly args: readonly string[];
}

/** Follows the output of each turn, and its exit status. */
const END = /\[this turn ended with status (\d+)\]\n/;
const PROGRAM = checkout("tests/scripts/run_in_turn.ts");

/** What each turn of a script leaves behind, none of which may end the process. */
export async function runInTurn(
  name: string,
  turns: readonly Turn[],
  { env = {} }: { env?: Readonly<Record<string, string>> } = {},
): Promise<Outcome[]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", PROGRAM, name, JSON.stringify(turns)],
    env: { NO_COLOR: "1", ...env },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const { out, err } = await outcome(child);
  const [outs, errs] = [out.split(END), err.split(END)];
  return turns.map((_, i) => ({
    code: Number(outs[2 * i + 1]),
    out: outs[2 * i]!,
    err: errs[2 * i]!,
  }));
}

if (import.meta.main) {
  const [name, json] = Deno.args;
  const turns: readonly Turn[] = JSON.parse(json!);
  for (const [i, { cwd, args }] of turns.entries()) {
    if (cwd !== undefined) Deno.chdir(cwd);
    Deno.exitCode = 0;
    Object.defineProperty(Deno, "args", { value: args, configurable: true });
    // Another address for each turn, so that the module runs anew.
    await import(`../../scripts/${name}.ts?${i}`);
    const end = new TextEncoder().encode(
      `[this turn ended with status ${Deno.exitCode}]\n`,
    );
    Deno.stdout.writeSync(end);
    Deno.stderr.writeSync(end);
  }
}
