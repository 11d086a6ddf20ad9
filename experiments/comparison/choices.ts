import { type SourceRow, valueError } from "lib/data/containers/reading.ts";
import { type Example, lossLengths } from "lib/data/example.ts";
import {
  type ColumnType,
  messages,
  text,
  texts,
} from "lib/data/formats/column_types.ts";
import {
  type Format,
  format,
  type RowContent,
} from "lib/data/formats/format.ts";
import { loadExamples, type LoadOptions } from "lib/data/load.ts";
import { readMessages } from "lib/data/messages.ts";
import type { DownloadHooks } from "lib/data/open_rows.ts";
import type { Content } from "lib/data/preference_row.ts";
import { isObject } from "lib/files/values.ts";
import { canonicalJson } from "lib/record/canonical_json.ts";
import type { MetricsRow } from "lib/record/metrics.ts";
import type { DataSource } from "lib/record/record.ts";
import { sha256 } from "lib/record/sha256.ts";
import { logSumExp } from "lib/stats/distribution.ts";
import { standardError } from "lib/stats/interval.ts";
import { mean, rounding } from "lib/train/metrics.ts";

/** Some completions of a question, by their index, and whether each is right. */
type Target = readonly { readonly choice: number; readonly isRight: boolean }[];

/** The choices that each measure is over. */
interface Question {
  readonly mc1: Target;
  readonly mc2: Target;
}

/** Questions with answers to choose from. */
export interface Choices {
  /** Each question, with all of its choices as completions. */
  readonly rows: readonly Example[];
  /** Of each row. */
  readonly questions: readonly Question[];
  readonly source: DataSource;
  /** SHA-256 of token ids and of which choices are right. */
  readonly hash: string;
}

/** What a policy chooses: measures, and of which question they are means. */
export interface Chosen extends Readonly<Record<keyof Question, number[]>> {
  readonly measures: Omit<MetricsRow, "step">;
}

/**
 * Reads questions. Rows have a `prompt` (text or messages), `choices`, and
 * either `answer`, the number of the right one from 0, or `labels`, 1 for each
 * right one and 0 for others. Rows of TruthfulQA have `question`, and
 * `mc1_targets` and `mc2_targets` with `choices` and `labels` in each.
 *
 * @param options those of the rows that are trained on: a choice is tokenized as
 * their completions are. A question of which a choice does not fit is left out.
 * @throws Error that names file, row and field.
 * @see Lin, Hilton, Evans, TruthfulQA, https://arxiv.org/abs/2109.07958
 */
export async function readChoices(
  place: string,
  options: Omit<LoadOptions, "role">,
  hooks: DownloadHooks = {},
): Promise<Choices> {
  const byRow = new Map<string, Question>();
  const questions: Question[] = [];
  const { examples, description } = await loadExamples(place, {
    ...options,
    role: "choices",
    truncate: "drop",
    format: choiceFormat(byRow),
    onExample: (_, { location }) => questions.push(byRow.get(location)!),
  }, hooks);
  const content = canonicalJson([description.sha256, questions]);
  return {
    ...{ rows: examples, questions, source: description },
    hash: sha256(content),
  };
}

const prompt: ColumnType = {
  expected: "text or messages",
  holds: (value) => text.holds(value) || messages.holds(value),
  cell: "messages",
};
const choices: ColumnType = { ...texts, expected: "a list of texts" };
const labels: ColumnType = {
  expected: "a list of 1 for right choices and 0 for others",
  holds: (value) =>
    Array.isArray(value) &&
    value.every((label) => [0, 1, true, false].includes(label)),
  cell: "json",
};
const answer: ColumnType = {
  expected: "the number of the right choice, from 0",
  holds: Number.isInteger,
  cell: "json",
};
const targets: ColumnType = {
  expected: 'an object of "choices" and "labels"',
  holds: (value) =>
    isObject(value) && choices.holds(value.choices) &&
    labels.holds(value.labels),
  cell: "json",
};

/**
 * The two layouts as one: each row tells by its columns which it has.
 *
 * @param questions gets the question of each row by its location.
 */
function choiceFormat(questions: Map<string, Question>): Format {
  const own = format({
    name: "choices",
    kind: "ranks",
    columns: { prompt, choices },
    optional: { labels, answer },
    read: (row) => {
      const target = readTarget(row, row.fields, "");
      questions.set(row.location, indexed([target, target]));
      return contentOf(row, "prompt", [target]);
    },
  });
  const truthfulqa = format({
    name: "truthfulqa",
    kind: "ranks",
    columns: { question: text, "mc1_targets": targets, "mc2_targets": targets },
    read: (row) => {
      const pair = ["mc1_targets", "mc2_targets"].map((name) =>
        readTarget(row, row.fields[name] as Fields, `${name}.`)
      );
      questions.set(row.location, indexed(pair));
      return contentOf(row, "question", pair);
    },
  });
  return {
    ...own,
    reads: new Set([...own.reads, ...truthfulqa.reads]),
    parse: (row) => ("mc1_targets" in row.fields ? truthfulqa : own).parse(row),
  };
}

type Fields = SourceRow["fields"];

/** Choices as text, and whether each is right. */
type TextTarget = readonly {
  readonly text: string;
  readonly isRight: boolean;
}[];

/** @throws Error unless there are as many labels as choices, some of each kind. */
function readTarget(row: SourceRow, fields: Fields, at: string): TextTarget {
  const all = fields.choices as readonly string[];
  const isIndex = (fields.labels ?? null) === null;
  const field = `${at}${isIndex ? "answer" : "labels"}`;
  const actual = isIndex ? fields.answer : fields.labels;
  const right = isIndex
    ? all.map((_, i) => i === actual)
    : (actual as readonly unknown[]).map(Boolean);
  const fits = right.length === all.length && right.includes(true) &&
    right.includes(false);
  if (fits) return all.map((text, i) => ({ text, isRight: right[i]! }));
  const expected = isIndex
    ? `the number of one of ${all.length} choices, from 0`
    : `${all.length} of 0 and 1, with both among them`;
  throw valueError(row, { field, actual, expected });
}

function textsOf(all: readonly TextTarget[]): string[] {
  return [...new Set(all.flat().map(({ text }) => text))];
}

/** Targets by the places that their texts have among all. */
function indexed(all: readonly TextTarget[]): Question {
  const texts = textsOf(all);
  const [mc1, mc2] = all.map((target) =>
    target.map(({ text, isRight }) => ({
      choice: texts.indexOf(text),
      isRight,
    }))
  );
  return { mc1: mc1!, mc2: mc2! };
}

function contentOf(
  row: SourceRow,
  column: string,
  all: readonly TextTarget[],
): RowContent & Content {
  const asked = row.fields[column];
  const completions = textsOf(all);
  if (typeof asked === "string") {
    return { form: "text", prompt: asked, completions };
  }
  return {
    form: "chat",
    prompt: readMessages(row, column),
    completions: completions.map((content) => [{ role: "assistant", content }]),
  };
}

/**
 * What a policy chooses, as means over questions with their standard errors.
 * MC1 is 1 where the likeliest choice is a right one, and ½ where rounding
 * decides; MC2 is the share of right choices in the probability of all.
 *
 * @param logProbs log π of the choices of each question, in nats.
 */
export function choiceMeasures(
  { rows, questions }: Pick<Choices, "rows" | "questions">,
  logProbs: readonly (readonly number[])[],
): Chosen {
  const mc1 = questions.map(({ mc1 }, i) => {
    const lengths = lossLengths(rows[i]!);
    const [right, wrong] = sides(mc1).map((side) =>
      side.reduce((best, k) =>
        logProbs[i]![k]! > logProbs[i]![best]! ? k : best
      )
    );
    const gap = logProbs[i]![right!]! - logProbs[i]![wrong!]!;
    const tie = rounding(lengths[right!]!) + rounding(lengths[wrong!]!);
    return Math.abs(gap) <= tie ? 0.5 : Number(gap > 0);
  });
  const mc2 = questions.map(({ mc2 }, i) => {
    const [right, wrong] = sides(mc2).map((side) =>
      logSumExp(side.map((k) => logProbs[i]![k]!))
    );
    return 1 / (1 + Math.exp(wrong! - right!));
  });
  return {
    ...{ mc1, mc2 },
    measures: {
      mc1: mean(mc1),
      mc1Error: standardError(mc1),
      mc2: mean(mc2),
      mc2Error: standardError(mc2),
    },
  };
}

/** The right and the wrong choices of a question. */
function sides(target: Target): [right: number[], wrong: number[]] {
  const of = (wanted: boolean) =>
    target.filter(({ isRight }) => isRight === wanted)
      .map(({ choice }) => choice);
  return [of(true), of(false)];
}
