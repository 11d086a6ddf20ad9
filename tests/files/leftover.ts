/** The temporary name that a process, now gone, had for a path. */
export async function leftover(path: string): Promise<string> {
  const url = import.meta.resolve("lib/files/temporary.ts");
  const code = `import { temporaryBeside } from "${url}";
    console.log(temporaryBeside(${JSON.stringify(path)}).path);`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", code],
    env: { NO_COLOR: "1" },
  }).output();
  return new TextDecoder().decode(stdout).trim();
}
