import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { resolveModel } from "lib/hub/resolve.ts";
import { sha256 } from "./loopback_files.ts";
import { assertSound } from "./sound_cache.ts";
import {
  COMMIT,
  MODEL,
  names,
  NEEDED,
  type TinyHub,
  WEIGHTS,
} from "./tiny_hub.ts";

/** The file that is downloaded under faults, on its host and on the Hub. */
export const SHARD = "model.safetensors";
export const STORED = `/models/org/tiny/${COMMIT}/${SHARD}`;
export const RESOLVED = `/org/tiny/resolve/${COMMIT}/${SHARD}`;

/** The bytes of the weights that were sent. */
export const sent = ({ hub }: TinyHub) => ({ [SHARD]: hub.sent[SHARD] ?? 0 });

/** Where the weights grow. */
export const partial = ({ cache }: TinyHub) =>
  join(cache, "blobs", `${sha256(WEIGHTS)}.incomplete`);

/** Bytes of the weights that are on disk, before they are whole. */
export async function partialSize(t: TinyHub): Promise<number | null> {
  return await Deno.stat(partial(t)).then(({ size }) => size, () => null);
}

/** Waits until so many bytes of the weights are on disk. */
export async function begun(t: TinyHub, bytes: number): Promise<void> {
  while (await partialSize(t) !== bytes) await t.sleep(1);
}

/** The model arrives, whole and right. */
export async function assertPulled(t: TinyHub): Promise<void> {
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
): TinyHub["hub"]["tamper"] {
  return (asked, request) =>
    asked === path && times-- > 0 ? answer(request) : null;
}
