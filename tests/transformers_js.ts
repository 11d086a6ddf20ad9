import { strictEqual } from "node:assert/strict";
import { fixture } from "./places.ts";

/**
 * A folder with the packages of fixtures/transformers_js, which are too large
 * to come with the tests.
 */
const LIBRARY = Deno.env.get("PREFGRAD_TRANSFORMERS_JS");
const SCRIPT = fixture("transformers_js/generate.mjs");

/** A test that runs transformers.js beside us; ignored where it is not. */
export function transformersJsTest(
  name: string,
  fn: () => Promise<void>,
  { ignore = false }: { ignore?: boolean } = {},
): void {
  const absent = LIBRARY === undefined;
  Deno.test({
    name: absent
      ? `${name} (set PREFGRAD_TRANSFORMERS_JS to its folder)`
      : name,
    ignore: ignore || absent,
    fn,
  });
}

/** What transformers.js is to continue, by how many tokens. */
export interface Request {
  readonly input: string | readonly { role: string; content: string }[];
  readonly tokens: number;
}

/**
 * What transformers.js on Deno takes for likeliest: each whole text, or the
 * answer in a chat.
 */
export async function continued(
  folder: string,
  requests: readonly Request[],
): Promise<string[]> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--node-modules-dir=manual", SCRIPT],
      ...[LIBRARY!, folder, JSON.stringify(requests)],
    ],
    cwd: LIBRARY!,
    env: { ORT_DISABLE_TELEMETRY: "1" },
  }).output();
  const text = new TextDecoder();
  strictEqual(code, 0, text.decode(stderr));
  return JSON.parse(text.decode(stdout));
}
