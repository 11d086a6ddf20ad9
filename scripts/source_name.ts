import type { Source } from "lib/hub.ts";
import { portablePath } from "lib/record.ts";

/** What a record calls a model or data: from the Hub, what gets it again. */
export function sourceName(source: Source): string {
  if (source.kind === "local") return portablePath(source.path);
  const { repo, commit, part } = source;
  return `${repo}@${commit}${part === undefined ? "" : `:${part}`}`;
}
