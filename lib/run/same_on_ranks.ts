import { join } from "node:path";
import type { Group } from "../distributed/group.ts";
import { engine } from "../onnx/engine.ts";
import type { Json } from "../record/canonical_json.ts";
import { differences } from "../record/differences.ts";
import { CHECKOUT } from "../record/environment.ts";
import { sha256 } from "../record/sha256.ts";
import type { PreparedRun } from "./plan.ts";

/**
 * Checks that all ranks are about to take the same steps.
 *
 * @param options those of the run.
 * @throws Error on every rank that names the first setting, file or version
 * that differs, and the ranks.
 */
export async function assertSameRunOnRanks(
  group: Group,
  run: PreparedRun,
  options: Parameters<typeof sharedParts>[1],
): Promise<void> {
  if (group.size === 1) return;
  await assertSameOnRanks(group, {
    ...sharedParts(run, options),
    code: codeHash(),
    onnxruntime: engine().version,
    deno: Deno.version.deno,
  });
}

/**
 * Everything that decides which numbers ranks compute, and which calls they make
 * of one another: all settings, except for those that differ between unequal
 * machines and decide neither. Models, data and adapters count by their content:
 * each machine may have them at a path of its own, and the folder of the run, of
 * which the checkpoint counts.
 */
export function sharedParts(
  { identity, settings }: Pick<PreparedRun, "identity" | "settings">,
  { resume = false, finish = false }: { resume?: boolean; finish?: boolean },
): Readonly<Record<string, Json>> {
  // How many cores a rank has, and how much memory.
  const { threads: _t, recomputeLayers: _r, ...shared } = settings;
  return { ...shared, ...identity, resume, finish };
}

/**
 * Checks that something is the same on all ranks.
 *
 * @throws Error on every rank that names the first part that differs.
 */
export async function assertSameOnRanks(
  group: Group,
  parts: Readonly<Record<string, Json>>,
): Promise<void> {
  const [first, ...others] = await group.gather(parts);
  for (const [i, other] of others.entries()) {
    const [found] = differences(first, other, { ignore: [] });
    if (!found) continue;
    const [expected, given] = [found.before, found.after].map((value) =>
      JSON.stringify(value) ?? "absent"
    );
    throw new Error(
      `Cannot train on ${group.size} ranks: ${
        found.path.slice(1)
      } is ${given} on rank ${
        i + 1
      } and ${expected} on rank 0; expected the same settings, data, model and code on all`,
    );
  }
}

/** SHA-256 of the code of this library; null where a registry serves it. */
function codeHash(): string | null {
  if (CHECKOUT === null) return null;
  const paths = sourcesBelow(join(CHECKOUT, "lib")).sort();
  return sha256(paths.map((path) => Deno.readTextFileSync(path)).join("\0"));
}

function sourcesBelow(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
    const path = join(folder, name);
    if (isDirectory) return sourcesBelow(path);
    return name.endsWith(".ts") ? [path] : [];
  });
}
