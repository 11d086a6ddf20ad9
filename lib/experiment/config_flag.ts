import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * The flag for the configuration of the project that a module belongs to: Deno
 * would look for that of the program, which may be a registry's.
 */
export function configFlag(url: string): string[] {
  if (!url.startsWith("file:")) return [];
  for (let folder = dirname(fileURLToPath(url));; folder = dirname(folder)) {
    const files = ["deno.json", "deno.jsonc"].map((name) => join(folder, name));
    const config = files.find(existsSync);
    if (config) return ["--config", config];
    if (folder === dirname(folder)) return [];
  }
}
