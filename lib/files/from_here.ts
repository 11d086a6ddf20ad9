import { isAbsolute, relative } from "node:path";

/** A path from the current folder, as records have it; an id of the Hub as it is. */
export function fromHere(place: string): string {
  return isAbsolute(place) ? relative(Deno.cwd(), place) || "." : place;
}
