import { type SourceRow, unreadable } from "../containers/reading.ts";
import type { PreferenceRow } from "../preference_row.ts";
import { isEmpty } from "./column_types.ts";
import { type Format, TEMPLATE_OPTIONS } from "./format.ts";

/** Columns of a row that its format does not read, and that hold something. */
export function unreadColumns(
  { fields }: SourceRow,
  { reads }: Pick<Format, "reads">,
  { form }: Pick<PreferenceRow, "form">,
): string[] {
  // No template writes text or token ids.
  const isRead = (name: string) =>
    reads.has(name) && (form === "chat" || name !== TEMPLATE_OPTIONS);
  return Object.keys(fields).filter((name) =>
    !isRead(name) && !isEmpty(fields[name])
  );
}

const SEEN_OR_HEARD =
  /^(?:(?:input|prompt|question)_)?(?:image|img|picture|video|audio)s?(?:_(?:path|url|file|name|byte)s?)?$/i;

/**
 * Judgements of a list, which is no list from best to worst where it has them,
 * unless others of its numbers have ranked it.
 */
const JUDGED = new Set([
  "labels",
  "scores",
  "rewards",
  "ratings",
  "ranks",
  "ranking",
  "rankings",
]);

/** Text that comes before the prompt, unless the prompt has it already. */
const EARLIER = new Set([
  "history",
  "chat_history",
  "conversation_history",
  "dialogue_history",
  "dialog_history",
  "previous_turns",
  "context",
  "contexts",
  "document",
  "documents",
  "passage",
  "passages",
  "background",
  "input",
  "instruction",
  "instructions",
  "initial_reason_steps",
]);

/**
 * Refuses unread columns without which a row means something else, and which its
 * format does not read.
 *
 * @throws Error that names file, row and column.
 */
export function refuseChanged(
  { location, fields }: SourceRow,
  unread: readonly string[],
  { row, format }: { row: PreferenceRow; format: Format },
): void {
  for (const name of unread) {
    const why = reason(name, fields[name], { row, format });
    if (why === null) continue;
    throw unreadable(
      location,
      `"${name}" ${why}, and format ${format.name} does not read it; ` +
        `--format ${format.name} reads the rows without it`,
    );
  }
}

function reason(
  name: string,
  value: unknown,
  { row, format }: { row: PreferenceRow; format: Format },
): string | null {
  if (SEEN_OR_HEARD.test(name)) {
    return "belongs to what is asked, expected columns of text";
  }
  if (format.kind === "ranks" && !row.ratings && JUDGED.has(name)) {
    return "judges each completion, so that their order need not";
  }
  const isSaid = !EARLIER.has(name) || row.form === "ids" ||
    says(row, textsIn(value));
  return isSaid ? null : "may belong to the prompt";
}

function says({ prompt }: PreferenceRow, texts: readonly string[]): boolean {
  const whole = typeof prompt === "string" ? prompt : JSON.stringify(prompt);
  return texts.every((text) =>
    whole.includes(text) || whole.includes(JSON.stringify(text).slice(1, -1))
  );
}

function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value.trim()];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value)
    .filter(([key]) => key !== "role" && key !== "from")
    .flatMap(([, inner]) => textsIn(inner));
}
