import { existsSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as v from "valibot";
import config from "../../deno.json" with { type: "json" };
import { orNull } from "../files/missing.ts";
import { COUNT, SHA256, TEXT } from "./check_json.ts";
import { sha256 } from "./sha256.ts";

const ROOT = new URL("../../", import.meta.url);

/** Folder of this code; `null` if a registry serves it. */
export const CHECKOUT: string | null = ROOT.protocol === "file:"
  ? fileURLToPath(ROOT)
  : null;

/** Schema of {@linkcode Provenance}. */
export const PROVENANCE = v.strictObject({
  /** Full hash of the checked-out commit. */
  commit: v.pipe(
    v.string(),
    v.regex(/^[0-9a-f]{40,64}$/, "a commit's hash"),
  ),
  /** Whether files other than results differ from that commit. */
  dirty: v.boolean(),
});

/** Version of the code that made a run. */
export type Provenance = v.InferOutput<typeof PROVENANCE>;

/** Schema of {@linkcode Environment}. */
export const ENVIRONMENT = v.strictObject({
  /** The device in use, resolved: never `auto`. */
  device: TEXT,
  /** Number format of the arithmetic, such as `float32`. */
  precision: TEXT,
  threads: COUNT,
  /** Processes that computed together; absent for one. */
  ranks: v.optional(COUNT),
  /** Versions of the direct dependencies by name. */
  packages: v.record(v.string(), TEXT),
  /** SHA-256 of `deno.lock`, which fixes all others; `null` outside a checkout. */
  lockfile: v.nullable(SHA256),
  deno: TEXT,
  /** Operating system and architecture. */
  os: TEXT,
  /** Model of the processor; `null` if the system does not tell. */
  cpu: v.nullable(v.string()),
  cores: COUNT,
  /** Memory of the machine. */
  memoryBytes: COUNT,
});

/** The machine and the software of a run. */
export type Environment = v.InferOutput<typeof ENVIRONMENT>;

/** How a run computes. */
export type Execution = Pick<
  Environment,
  "device" | "precision" | "threads" | "ranks"
>;

/**
 * The commit of a checkout. Results do not count as changes, since one result
 * would make the next one dirty.
 *
 * @returns the one that `provenance.json` states for code that was carried
 * without git, else `null` outside a checkout of this repository, before its
 * first commit, or without git.
 */
export async function provenance(
  { checkout = CHECKOUT }: { checkout?: string | null } = {},
): Promise<Provenance | null> {
  if (checkout === null) return null;
  const head = await git(["rev-parse", "HEAD", "--show-prefix"], checkout);
  const [commit = "", prefix] = head?.split("\n") ?? [];
  // A prefix means a folder inside some other repository.
  if (prefix !== "") return await statedProvenance(checkout);
  const changes = ["status", "--porcelain", "--", ".", ":(exclude)results"];
  return { commit, dirty: await git(changes, checkout) !== "" };
}

/** The file by which code without git says where it is from. */
const STATED = "provenance.json";

async function statedProvenance(folder: string): Promise<Provenance | null> {
  const text = await orNull(Deno.readTextFile(join(folder, STATED)));
  return text === null ? null : v.parse(PROVENANCE, JSON.parse(text));
}

/** Describes this machine and its software, naming neither host nor user. */
export function environment(
  { ranks = 1, ...execution }: Execution,
): Environment {
  return {
    ...execution,
    ...ranks > 1 && { ranks },
    packages: packageVersions(config.imports),
    lockfile: lockfile(),
    deno: Deno.version.deno,
    os: `${Deno.build.os} ${Deno.build.arch}`,
    cpu: cpus()[0]?.model ?? null,
    cores: navigator.hardwareConcurrency,
    memoryBytes: Deno.systemMemoryInfo().total,
  };
}

function lockfile(): string | null {
  const path = CHECKOUT && join(CHECKOUT, "deno.lock");
  return path && existsSync(path) ? sha256(Deno.readFileSync(path)) : null;
}

/**
 * Peak memory of this process so far, in bytes; on systems other than Linux, its
 * memory now.
 */
export function peakMemory(): number {
  if (Deno.build.os !== "linux") return Deno.memoryUsage().rss;
  const status = Deno.readTextFileSync("/proc/self/status");
  const [, kibibytes] = status.match(/^VmHWM:\s+(\d+) kB$/m) ?? [];
  return kibibytes ? Number(kibibytes) * 1024 : Deno.memoryUsage().rss;
}

/** Output of git; `null` if it fails or is missing. */
async function git(args: string[], cwd: string): Promise<string | null> {
  try {
    const command = new Deno.Command("git", { args, cwd, stderr: "null" });
    const { success, stdout } = await command.output();
    return success ? new TextDecoder().decode(stdout) : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Versions in an import map, from `npm:name@version`; our own entries are left out. */
function packageVersions(
  imports: Record<string, string>,
): Record<string, string> {
  const specifiers = Object.values(imports).map((target) =>
    target.match(/^(?:npm|jsr):(.+)@([^/]+)/)
  );
  return Object.fromEntries(
    specifiers.filter((match) => match !== null).map((
      [, name, version],
    ) => [name, version]),
  );
}
