import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { resolveModel } from "lib/hub.ts";
import { sha256 } from "./loopback_files.ts";
import { assertSound } from "./sound_cache.ts";
import { COMMIT, MODEL, names, NEEDED, tinyHub, WEIGHTS } from "./tiny_hub.ts";

type Setup = Awaited<ReturnType<typeof tinyHub>>;

/** The file that is downloaded under faults, on its host and on the Hub. */
export const SHARD = "model.safetensors";
export const STORED = `/models/org/tiny/${COMMIT}/${SHARD}`;
export const RESOLVED = `/org/tiny/resolve/${COMMIT}/${SHARD}`;

/** What was sent of the weights. */
export const sent = ({ hub }: Setup) => ({ [SHARD]: hub.sent[SHARD] ?? 0 });

/** Where the weights grow. */
export const partial = ({ cache }: Setup) =>
  join(cache, "blobs", `${sha256(WEIGHTS)}.incomplete`);

/** The model arrives, whole and right. */
export async function assertPulled(t: Setup): Promise<void> {
  const { folder } = await resolveModel("org/tiny", t);
  deepStrictEqual(names(folder), NEEDED);
  for (const name of NEEDED) {
    strictEqual(await Deno.readTextFile(join(folder, name)), MODEL[name]);
  }
  await assertSound(t.cache);
}

/** Answers some requests for a path in its own way, then leaves it to the Hub. */
export function at(
  path: string,
  times: number,
  answer: (request: Request) => Response,
): Setup["hub"]["tamper"] {
  return (asked, request) =>
    asked === path && times-- > 0 ? answer(request) : null;
}
