import { parseWithFloats, stringifyWithFloats } from "../floats.ts";
import type { DataKind, Example } from "../example.ts";
import { isDeepStrictEqual } from "node:util";
import type { Format } from "../formats/format.ts";
import type { PreferenceRow } from "../preference_row.ts";

/** The columns of a row in a file. */
export type Fields = Record<string, unknown>;

/** A layout in which other trainers read rows. */
export interface WrittenLayout {
  /** Format by which the rows are read again. */
  readonly format: string;
  /** The row as the layout can hold it, changed where it must be. */
  adapt(row: PreferenceRow): PreferenceRow;
  /** The columns of an adapted row. */
  write(row: PreferenceRow): Fields;
}

/** Names of the layouts. */
export const LAYOUT_NAMES = ["trl", "llamafactory"] as const;
export type LayoutName = typeof LAYOUT_NAMES[number];

/**
 * @throws Error for lists of more than two and for token ids, which these
 * layouts do not have.
 */
export function assertWritable(
  { kind, form }: { kind: DataKind; form: PreferenceRow["form"] },
  name: LayoutName,
): void {
  if (kind === "ranks") {
    throw new Error(
      `Cannot write ranked lists as ${name}: it has pairs and labels only; ` +
        "--pairs all, best-worst or adjacent makes pairs",
    );
  }
  if (form === "ids") {
    throw new Error(
      `Cannot write token ids as ${name}: it has text and messages only; ` +
        "expected --to tokens",
    );
  }
}

/** Columns of a row's ratings: label, scores, votes. */
export function feedbackFields(
  { label, ratings, agreement }: PreferenceRow,
  labelName: string,
): Fields {
  const votes = agreement === undefined ? null : votesOf(agreement);
  return {
    ...label === undefined ? {} : { [labelName]: label },
    ...ratings ? ratingFields(ratings, "pairs") : {},
    ...votes
      ? { votes_chosen: votes.chosen, votes_rejected: votes.rejected }
      : {},
  };
}

function ratingFields(ratings: readonly number[], kind: DataKind): Fields {
  return kind === "ranks"
    ? { scores: ratings }
    : { score_chosen: ratings[0], score_rejected: ratings[1] };
}

/** Most votes that a share of votes is written as. */
const MOST_VOTES = 1e6;

/**
 * The fewest votes whose share is an agreement, by its continued fraction;
 * beyond a million votes the share is rounded.
 */
function votesOf(agreement: number): { chosen: number; rejected: number } {
  let [above, chosen, below, all] = [0, 1, 1, 0];
  let rest = agreement;
  while (all === 0 || chosen / all !== agreement) {
    const whole = Math.floor(rest);
    if (!(whole * all + below <= MOST_VOTES)) {
      const rounded = Math.round(agreement * MOST_VOTES);
      return { chosen: rounded, rejected: MOST_VOTES - rounded };
    }
    [above, chosen] = [chosen, whole * chosen + above];
    [below, all] = [all, whole * all + below];
    rest = 1 / (rest - whole);
  }
  return { chosen, rejected: all - chosen };
}

/**
 * TRL's layouts with explicit prompts, text or conversational:
 * https://huggingface.co/docs/trl/dataset_formats
 */
export function trlLayout(
  kind: DataKind,
  form: PreferenceRow["form"],
): WrittenLayout {
  const base = kind === "pairs" ? "trl-pairs" : "trl-labels";
  return {
    format: form === "chat" ? `${base}-chat` : base,
    adapt(row) {
      if (row.form !== "chat" || row.prompt.at(-1)!.role !== "system") {
        return row;
      }
      throw new Error(
        `Cannot write ${row.location} for TRL: it refuses a prompt that ends ` +
          "with a system message",
      );
    },
    write(row) {
      const [first, second] = row.completions;
      return {
        prompt: row.prompt,
        ...kind === "pairs"
          ? { chosen: first, rejected: second }
          : { completion: first },
        ...feedbackFields(row, "label"),
        ...row.tools ? { tools: row.tools } : {},
        ...row.templateOptions
          ? { chat_template_kwargs: row.templateOptions }
          : {},
      };
    },
  };
}

/** Names of the completions' columns. */
const COLUMNS: Record<DataKind, readonly string[]> = {
  pairs: ["chosen_ids", "rejected_ids"],
  labels: ["completion_ids"],
  ranks: [],
};

/**
 * The columns of an example as token ids.
 *
 * @throws Error for a loss mask, which the columns cannot hold.
 */
export function tokenFields(
  { prompt, completions, lossMask, label, weight, ratings }: Example,
  { kind, location }: { kind: DataKind; location: string },
): Fields {
  if (lossMask?.some((marks) => marks.includes(false))) {
    throw new Error(
      `Cannot write ${location} as token ids: they do not say which tokens of ` +
        "its completions are not scored",
    );
  }
  const names = COLUMNS[kind];
  return {
    prompt_ids: prompt,
    ...names.length === 0 ? { completions_ids: completions } : {},
    ...Object.fromEntries(names.map((name, i) => [name, completions[i]])),
    ...label === undefined ? {} : { label },
    ...weight === undefined ? {} : { loss_weight: weight },
    ...ratings === undefined ? {} : ratingFields(ratings, kind),
  };
}

/**
 * The columns of a row in a layout, read again to check that nothing is lost.
 *
 * @throws Error that names the row and the parts that would be lost.
 */
export function writtenRow(
  row: PreferenceRow,
  { layout, format }: { layout: WrittenLayout; format: Format },
): Fields {
  const adapted = layout.adapt(row);
  const fields = layout.write(adapted);
  const again = format.parse({
    location: row.location,
    fields: read(fields),
  });
  const lost = Object.entries(adapted).filter(([name, value]) =>
    !isDeepStrictEqual(
      value,
      Object.entries(again).find(([n]) => n === name)?.[1],
    )
  );
  if (lost.length === 0) return fields;
  throw new Error(
    `Cannot write ${row.location} as ${format.name}: it would change the row's ${
      lost.map(([name]) => name).join(", ")
    }, which has what the layout does not`,
  );
}

/** Columns as a reader of the file has them. */
function read(fields: Fields): Fields {
  return Object(parseWithFloats(stringifyWithFloats(fields)));
}
