import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as v from "valibot";
import { configFlag } from "./config_flag.ts";
import { orNull } from "../files/missing.ts";
import type { Device } from "../onnx/providers.ts";
import { canonicalJson, type Json } from "../record/canonical_json.ts";
import { differences } from "../record/differences.ts";
import { sha256 } from "../record/sha256.ts";
import type { GridSettings } from "./grid.ts";

/** Everything except its point that decides the numbers of a run. */
export type Identity = Readonly<Record<string, Json>>;

/**
 * The identity of the runs of an experiment: its settings without the grid, its
 * device, the versions of the packages that the jobs import, and a hash of the
 * code that they import. Runs of a larger grid are those of a smaller one.
 */
export async function identityOf<S extends GridSettings>(
  { experiment, settings, device, url }: {
    readonly experiment: string;
    readonly settings: S;
    readonly device: Device;
    /** The module of jobs. */
    readonly url: string;
  },
): Promise<Identity> {
  const { code, packages } = await importsOf(url);
  const identity = {
    ...{ experiment, settings: worldOf(settings), device, packages, code },
  };
  return JSON.parse(canonicalJson(identity));
}

/** Settings without the grid. */
export function worldOf<S extends GridSettings>(
  {
    methods: _methods,
    draws: _draws,
    seeds: _seeds,
    levels: _levels,
    ...world
  }: S,
): Omit<S, keyof GridSettings> {
  return world;
}

const MODULES = v.object({
  redirects: v.optional(v.record(v.string(), v.string()), {}),
  modules: v.array(v.object({
    specifier: v.string(),
    dependencies: v.optional(
      v.array(v.object({
        code: v.optional(v.object({ specifier: v.optional(v.string()) })),
      })),
      [],
    ),
  })),
});

/** The packages that a module imports, and a hash of its code and all it imports. */
async function importsOf(
  url: string,
): Promise<{ code: string; packages: string[] }> {
  const { stdout, success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", ...configFlag(url), url],
  }).output();
  if (!success) {
    throw new Error(
      `Cannot list what ${url} imports: ${new TextDecoder().decode(stderr)}`,
    );
  }
  const text = new TextDecoder().decode(stdout);
  const { modules, redirects } = v.parse(MODULES, JSON.parse(text));
  const byName = new Map(modules.map((one) => [one.specifier, one]));
  const root = redirects[url] ?? url;
  const reached = new Set([root]);
  for (const name of reached) { // which grows on the way
    for (const { code } of byName.get(name)?.dependencies ?? []) {
      const next = code?.specifier;
      if (next !== undefined) reached.add(redirects[next] ?? next);
    }
  }
  const files = [...reached].filter((name) => name.startsWith("file:"))
    .filter((name) => !name.endsWith("/deno.json")); // packages are named here
  const hashes = await Promise.all(
    files.map(async (name) => sha256(await Deno.readFile(fileURLToPath(name)))),
  );
  const code = sha256(canonicalJson(hashes.sort()));
  const packages = [...reached].filter((name) => name.startsWith("npm:"));
  return { code, packages: packages.sort() };
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

/** The identity and the grid of the results in a folder; null where unknown. */
export async function readIdentity(
  folder: string,
): Promise<{ identity: unknown; grid: unknown } | null> {
  const text = await orNull(Deno.readTextFile(join(folder, IDENTITY)));
  try {
    return v.parse(STORED, JSON.parse(text ?? "null"));
  } catch {
    return null;
  }
}

const STORED = v.object({ identity: v.unknown(), grid: v.unknown() });
