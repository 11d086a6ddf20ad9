/**
 * Whether a regular expression repeats, without bound, what itself repeats
 * without bound, `(a+)*`: on texts that almost match, it takes time that
 * doubles with each character. No tokenizer needs that.
 */
export function hasRepeatedRepeats(pattern: string): boolean {
  /** For each open group: whether something in it repeats without bound. */
  const groups = [false];
  for (const { 0: part, index } of pattern.matchAll(PARTS)) {
    const repeats = UNBOUNDED.test(pattern.slice(index + part.length));
    if (part === "(") groups.push(false);
    else if (part === ")") {
      const inner = groups.pop() ?? false;
      if (inner && repeats) return true;
      groups.push((groups.pop() ?? false) || inner || repeats);
    } else if (repeats) groups.splice(-1, 1, true);
  }
  return false;
}

/** What may be repeated: a group's ends, a class, an escape, a character. */
const PARTS = /[()]|\[(?:\\.|[^\\\]])*\]|\\[pP]\{[^}]*\}|\\.|[^*+?{}]/gsu;
const UNBOUNDED = /^(?:[*+]|\{\d+,\})/;
