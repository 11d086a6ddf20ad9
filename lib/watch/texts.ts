import type { RunRecord } from "../record/record.ts";

/** Most texts of a run that are shown, and most characters of each. */
const MOST = 6;
const LENGTH = 2000;

/** Texts that a policy wrote at the end of its run, by its record. */
export function textsOf(record: RunRecord | null): string[] {
  const { answers, samples } = record?.summary ?? {};
  const texts = [answers, samples].find(Array.isArray) ?? [];
  return texts.filter((text) => typeof text === "string")
    .slice(0, MOST).map((text) => text.slice(0, LENGTH));
}
