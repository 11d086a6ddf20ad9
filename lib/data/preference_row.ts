import type { DataKind, TokenRow } from "./example.ts";
import type { Json } from "../record/canonical_json.ts";
import type { Message } from "./messages.ts";

/** A row's prompt and completions, all of one form. */
export type Content =
  | {
    readonly form: "text";
    readonly prompt: string;
    readonly completions: readonly string[];
  }
  | {
    readonly form: "chat";
    readonly prompt: readonly Message[];
    readonly completions: readonly (readonly Message[])[];
  }
  | { readonly form: "ids" } & TokenRow;

/** One row of any layout, normalised. */
export type PreferenceRow = Content & {
  /** File and line or row, for messages. */
  readonly location: string;
  /** Desirability of the completion; absent for pairs and lists. */
  readonly label?: boolean;
  /** Ratings of the completions, best first, where the source has them. */
  readonly ratings?: readonly number[];
  /** Share of votes for the chosen completion of a pair, where there was a vote. */
  readonly agreement?: number;
  /** Factor of the row's loss. @default 1 */
  readonly weight?: number;
  /** Definitions of tools, for the chat template. */
  readonly tools?: readonly unknown[];
  /** Options of the chat template for this row, before those of settings. */
  readonly templateOptions?: Readonly<Record<string, Json>>;
  /** Columns whose values decide nothing and cannot be read; the reader counts them. */
  readonly leftOut?: readonly string[];
};

/** The rows of one file. */
export interface PreferenceRows {
  readonly kind: DataKind;
  readonly rows: readonly PreferenceRow[];
}

/** The texts of a row, as its author wrote them; none where it has token ids. */
export function textsOf(row: PreferenceRow): string[] {
  if (row.form === "ids") return [];
  if (row.form === "text") return [row.prompt, ...row.completions];
  return [row.prompt, ...row.completions].flat().map(contentOf);
}

/** Each completion as one text; none where they are token ids. */
export function completionTexts(row: PreferenceRow): readonly string[] {
  if (row.form === "ids") return [];
  return row.form === "text" ? row.completions : row.completions.map(
    (messages) => messages.map(contentOf).join("\n"),
  );
}

/** The question of a row: its prompt, or the last turn of a conversation. */
export function questionText(row: PreferenceRow): string | null {
  if (row.form === "ids") return null;
  return row.form === "text" ? row.prompt : contentOf(row.prompt.at(-1)!);
}

/** Whether a completion says nothing and calls no tool. */
export function saysNothing(
  completion: PreferenceRow["completions"][number],
): boolean {
  if (typeof completion === "string") return completion === "";
  return completion.every((part) =>
    typeof part === "object" && part.content === "" && !part.tool_calls
  );
}

function contentOf({ content }: Message): string {
  return content;
}
