import { relative } from "node:path";

/** A path as a reader names it: in the current folder as seen from there. */
export function shownPath(path: string): string {
  const inside = relative(Deno.cwd(), path);
  return inside.startsWith("..") ? path : inside || ".";
}
