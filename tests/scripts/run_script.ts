import { checkout } from "../places.ts";

/** What a program left behind. */
export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface ScriptOptions {
  /** Environment besides this one. */
  readonly env?: Readonly<Record<string, string>>;
  /** @default the current folder */
  readonly cwd?: string;
}

/** Starts a script of the repository, by the name of its verb. */
export function spawnScript(
  name: string,
  args: readonly string[],
  { env = {}, ...options }: ScriptOptions = {},
): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", checkout(`scripts/${name}.ts`), ...args],
    env: { NO_COLOR: "1", ...env },
    stdout: "piped",
    stderr: "piped",
    ...options,
  }).spawn();
}

/** Waits for the end of a process. */
export async function outcome(child: Deno.ChildProcess): Promise<Outcome> {
  const { code, stdout, stderr } = await child.output();
  const text = new TextDecoder();
  return { code, out: text.decode(stdout), err: text.decode(stderr) };
}

/** Runs a script of the repository, by the name of its verb. */
export async function runScript(
  name: string,
  args: readonly string[],
  options?: ScriptOptions,
): Promise<Outcome> {
  return await outcome(spawnScript(name, args, options));
}
