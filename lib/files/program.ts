/** How a program is run. */
interface ProgramOptions {
  /** What it reads from its standard input. @default nothing */
  input?: string;
  /** The folder that it works in. @default that of this process */
  cwd?: string;
  /** Lines of its complaint that an error has, the last ones. @default 1 */
  lines?: number;
}

/**
 * Runs a program to its end.
 *
 * @returns what it printed.
 * @throws Error with the end of its complaint if it fails; Deno.errors.NotFound
 * if there is none.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  { input = "", lines = 1, ...place }: ProgramOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const child = new Deno.Command(program, {
    ...{ ...place, args: [...args] },
    ...{ stdin: "piped", stdout: "piped", stderr: "piped" },
  }).spawn();
  const writer = child.stdin.getWriter();
  const sent = writer.write(new TextEncoder().encode(input))
    .then(() => writer.close());
  // A program that ends before it has read all says why.
  const [{ success, stdout, stderr }] = await Promise.all([
    child.output(),
    sent.catch(() => {}),
  ]);
  if (success) return stdout;
  const said = new TextDecoder().decode(stderr).trim().split("\n");
  throw new Error(`${program} failed: ${said.slice(-lines).join(" ")}`);
}
