import type { Source } from "lib/hub.ts";
import { portablePath } from "lib/record.ts";

/** What a record calls a model or data. */
export function sourceName(source: Source): string {
  return source.kind === "hub"
    ? `${source.repo}@${source.commit}`
    : portablePath(source.path);
}
