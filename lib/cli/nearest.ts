/**
 * The name that somebody most likely meant: the nearest one, if at most a third
 * of its letters differ, whether capital or not.
 */
export function nearest(
  text: string,
  names: readonly string[],
): string | undefined {
  const [found] = names
    .map((name) => ({ name, distance: distance(text.toLowerCase(), name) }))
    .filter(({ name, distance }) => distance <= Math.ceil(name.length / 3))
    .sort((a, b) => a.distance - b.distance);
  return found?.name;
}

/**
 * Letters to insert, delete or replace, or neighbours to swap (the
 * Damerau–Levenshtein distance of texts in which no letter moves twice).
 */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      const replaced = row[j]! + Number(letter !== other);
      const isSwap = i > 0 && letter === b[j - 1] && a[i - 1] === other;
      const swapped = isSwap ? before[j - 1]! + 1 : Infinity;
      next.push(Math.min(replaced, swapped, row[j + 1]! + 1, next[j]! + 1));
    }
    [before, row] = [row, next];
  }
  return row.at(-1)!;
}

/** The flag that a name is likely to mean: by other programs, or by its letters. */
export function meant(
  name: string,
  known: readonly string[],
  elsewhere: Readonly<Record<string, string>> = {},
): { advice?: string; near?: string | undefined } {
  const key = name.replaceAll("-", "_");
  const said = Object.hasOwn(elsewhere, key) ? elsewhere[key]! : "";
  const named = said.match(/--[a-z-]+/g) ?? [];
  if (said && named.every((flag) => known.includes(flag.slice(2)))) {
    return { advice: `${said.startsWith("--") ? "here it is " : ""}${said}` };
  }
  return { near: nearest(name, known) };
}
