import { strictEqual } from "node:assert/strict";

/** The Python that has the packages of fixtures/requirements.txt. */
const PYTHON = Deno.env.get("PREFGRAD_PYTHON");

/** A test that runs Python packages beside us; ignored where they are not. */
export function peerTest(name: string, fn: () => Promise<void>): void {
  const ignore = PYTHON === undefined;
  const suffix = ignore ? " (set PREFGRAD_PYTHON to a Python with peers)" : "";
  Deno.test({ name: name + suffix, ignore, fn });
}

/**
 * What a Python script prints.
 *
 * @param script path of the script.
 */
export async function runPeer(
  script: string,
  { args, env = {} }: { args: string[]; env?: Record<string, string> },
): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(PYTHON!, {
    args: [script, ...args],
    env,
  }).output();
  const text = new TextDecoder();
  strictEqual(code, 0, text.decode(stderr));
  return text.decode(stdout);
}
