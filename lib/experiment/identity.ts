import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { orNull } from "../files/missing.ts";
import type { Device } from "../onnx/providers.ts";
import { canonicalJson, type Json } from "../record/canonical_json.ts";
import { differences } from "../record/differences.ts";
import { CHECKOUT, environment } from "../record/environment.ts";
import { sha256 } from "../record/sha256.ts";

/** Everything that decides the numbers of an experiment. */
export type Identity = Readonly<Record<string, Json>>;

/**
 * The identity of an experiment: its settings, its device, the versions of
 * packages, and hashes of the library's code and of the files beside its module
 * of jobs.
 */
export async function identityOf(
  { experiment, settings, device, url }: {
    readonly experiment: string;
    readonly settings: object;
    readonly device: Device;
    /** The module of jobs. */
    readonly url: string;
  },
): Promise<Identity> {
  const execution = { device, precision: "float32", threads: 1 };
  const { packages } = environment(execution);
  const code: Record<string, string> = {};
  if (CHECKOUT !== null) await hashCode(join(CHECKOUT, "lib"), code, true);
  if (url.startsWith("file:")) {
    await hashCode(dirname(fileURLToPath(url)), code, false);
  }
  const hash = sha256(canonicalJson(Object.values(code).sort()));
  const identity = { experiment, settings, device, packages, code: hash };
  return JSON.parse(canonicalJson(identity));
}

/** Adds the SHA-256 of each file of code in a folder, by its path. */
async function hashCode(
  folder: string,
  hashes: Record<string, string>,
  isDeep: boolean,
): Promise<void> {
  for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory && isDeep) await hashCode(path, hashes, true);
    if (isFile && name.endsWith(".ts")) {
      hashes[path] = sha256(await Deno.readFile(path));
    }
  }
}

/** How another identity differs, in words; null where it does not. */
export function differenceOf(before: unknown, now: Identity): string | null {
  const [first] = differences(before, now, { ignore: [] });
  if (!first) return null;
  const place = first.path.slice(1);
  if (place === "code") return "the code has changed";
  const [was, is] = [first.before, first.after]
    .map((value) => JSON.stringify(value) ?? "nothing");
  return `${place || "it"} was ${was}, now it is ${is}`;
}

/** Name of the file of an identity in its results. */
export const IDENTITY = "experiment.json";

/** The identity of the results in a folder; null where it is not known. */
export async function readIdentity(folder: string): Promise<unknown> {
  const text = await orNull(Deno.readTextFile(join(folder, IDENTITY)));
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}
