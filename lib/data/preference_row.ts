import type { DataKind, TokenRow } from "./example.ts";
import type { Message } from "./messages.ts";

/** What a row says before tokenization; prompt and completions have one form. */
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
  /** File and place, for messages. */
  readonly location: string;
  /** Desirability of the completion; absent for pairs and lists. */
  readonly label?: boolean;
  /** How good each completion is, where the source says it; ranks follow it. */
  readonly scores?: readonly number[];
  /** Of a pair the share of votes for the chosen, where there was a vote. */
  readonly agreement?: number;
  /** By what the loss of the row is multiplied. @default 1 */
  readonly weight?: number;
  /** Definitions of tools, for the chat template. */
  readonly tools?: readonly unknown[];
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

/** What a row asks: its prompt, of a conversation the last turn. */
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
