import type { Example } from "./example.ts";

/**
 * Pairs among labelled completions: the first desirable completion of a prompt
 * with the first undesirable one of the same prompt, the second with the
 * second, and so on. Where labels were made of pairs, and no prompt repeats in
 * those, these are the pairs.
 *
 * @returns the examples' numbers; none where examples are pairs or lists.
 */
export function labelledPairs(
  examples: readonly (Pick<Example, "label"> & Partial<Example>)[],
): [desirable: number, undesirable: number][] {
  const labelled = [...examples.keys()].filter((i) =>
    examples[i]!.label !== undefined
  );
  const byPrompt = Map.groupBy(
    labelled,
    (i) => examples[i]!.prompt?.join() ?? `example ${i}`,
  );
  return [...byPrompt.values()].flatMap((numbers) => {
    const [desirable, undesirable] = [true, false].map((wanted) =>
      numbers.filter((i) => examples[i]!.label === wanted)
    );
    return desirable!.slice(0, undesirable!.length).map((
      i,
      k,
    ): [number, number] => [i, undesirable![k]!]);
  });
}

/**
 * Moves the completions of each of the pairs together, to where the first of
 * them stands; what is no labelled pair stays in its order.
 */
export function pairsTogether(examples: readonly Example[]): Example[] {
  const partners = new Map(
    labelledPairs(examples).flatMap(([i, j]) => [[i, j], [j, i]]),
  );
  const order = [...examples.keys()].flatMap((i) => {
    const partner = partners.get(i);
    return partner === undefined ? [i] : [i, partner];
  });
  return [...new Set(order)].map((i) => examples[i]!);
}
