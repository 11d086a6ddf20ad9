/**
 * Runs scripts of the repository one after the other in one process, as starting
 * takes longer than most of them do. As a program it reads the turns, lines of
 * JSON, from its standard input.
 */
import { checkout } from "../places.ts";
import type { Outcome, ScriptOptions } from "./run_script.ts";

/** A command line, and where it is given. */
interface Turn {
  readonly name: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The environment that is not the process's own. */
  readonly env: Readonly<Record<string, string>>;
}

/** Follows the output of each turn, and its exit status. */
const END = /\[this turn ended with status (\d+)\]\n$/;
const PROGRAM = checkout("tests/scripts/run_in_turn.ts");

/** A process that waits for a turn, or works on one. */
class Runner {
  readonly #child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", PROGRAM],
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  readonly #turns = this.#child.stdin.getWriter();
  readonly #out = this.#child.stdout.getReader();
  readonly #err = this.#child.stderr.getReader();

  /** What a turn leaves behind, and whether the process goes on. */
  async take(turn: Turn): Promise<Outcome & { goesOn: boolean }> {
    await this.#turns.write(
      new TextEncoder().encode(`${JSON.stringify(turn)}\n`),
    );
    const [out, err] = await Promise.all([this.#out, this.#err].map(upToEnd));
    const code = out!.status ?? (await this.#child.status).code;
    return {
      ...{ code, out: out!.text, err: err!.text },
      goesOn: out!.status !== null,
    };
  }
}

/** A stream up to the end of a turn, or of the process. */
async function upToEnd(reader: ReadableStreamDefaultReader<Uint8Array>) {
  const decoder = new TextDecoder();
  let text = "";
  while (true) {
    const { done, value } = await reader.read();
    text += decoder.decode(value, { stream: !done });
    const [end, status] = text.match(END) ?? [];
    if (end) {
      return { text: text.slice(0, -end.length), status: Number(status) };
    }
    if (done) return { text, status: null };
  }
}

let runner: Runner | null = null;
let last: Promise<unknown> = Promise.resolve();

/** Runs a script of the repository, when those before it have ended. */
export function runInTurn(
  name: string,
  args: readonly string[],
  { cwd = Deno.cwd(), env = {} }: ScriptOptions = {},
): Promise<Outcome> {
  const turn = last.then(async () => {
    runner ??= new Runner();
    const { goesOn, ...outcome } = await runner.take({ name, args, cwd, env });
    if (!goesOn) runner = null;
    return outcome;
  });
  last = turn.catch(() => {});
  return turn;
}

/** Runs a turn in this process; to be imported anew its address is another. */
async function runHere({ name, args, cwd, env }: Turn, number: number) {
  const own = Object.keys(env).map((key) => [key, Deno.env.get(key)] as const);
  Object.entries(env).forEach(([key, value]) => Deno.env.set(key, value));
  Deno.chdir(cwd);
  Deno.exitCode = 0;
  Object.defineProperty(Deno, "args", { value: args, configurable: true });
  await import(`../../scripts/${name}.ts?${number}`);
  for (const [key, value] of own) {
    if (value === undefined) Deno.env.delete(key);
    else Deno.env.set(key, value);
  }
  Deno.chdir("/");
  const end = new TextEncoder().encode(
    `[this turn ended with status ${Deno.exitCode}]\n`,
  );
  Deno.stdout.writeSync(end);
  Deno.stderr.writeSync(end);
}

if (import.meta.main) {
  let number = 0;
  let rest = "";
  for await (
    const part of Deno.stdin.readable.pipeThrough(new TextDecoderStream())
  ) {
    const lines = (rest + part).split("\n");
    rest = lines.pop()!;
    for (const line of lines) await runHere(JSON.parse(line), number++);
  }
}
