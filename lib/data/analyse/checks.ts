import {
  countFindings,
  type Finding,
  finding,
  Tally,
  type Verdict,
} from "./count_findings.ts";
import { type Example, hasEqualCompletions } from "../example.ts";
import { DEFAULT_TRUNCATION, type Truncation } from "../tokenize/truncate.ts";
import { RowTokenizer, type TokenizeOptions } from "../tokenize/tokenize.ts";
import { classCounter, classFindings } from "./classes.ts";
import { type LengthCollector, lengthCollector } from "./lengths.ts";
import { repeats, type SeenRows } from "./repeats.ts";
import { rowFlaws, textFlaws } from "./row_flaws.ts";
import type { RowNotes, RowReader } from "../open_rows.ts";
import type { PreferenceRow } from "../preference_row.ts";

/** Truncations that drop, and so count, the rows that training would refuse. */
const DROPPING: Readonly<Record<Truncation, Truncation>> = {
  "end": "end-or-drop",
  "end-or-drop": "end-or-drop",
  "drop": "drop",
  "error": "drop",
};

/** Tokenizes rows to check them: rows that cannot be tokenized are a finding. */
class TokenChecks {
  readonly #rows: RowTokenizer;
  readonly #failed = new Tally();
  readonly #equal = new Tally();
  readonly #plain = new Tally();
  readonly #isTemplateUnused: boolean;
  #error: Error | undefined;

  constructor(options: TokenizeOptions) {
    const { tokenizer, template = false } = options;
    this.#isTemplateUnused = Boolean(tokenizer?.chatTemplate) && !template;
    const truncate = DROPPING[options.truncate ?? DEFAULT_TRUNCATION];
    this.#rows = new RowTokenizer({ ...options, truncate });
  }

  /** `null` for a row that training would leave out or refuse. */
  tokenize(row: PreferenceRow): Example | null {
    if (this.#isTemplateUnused && row.form === "text") {
      this.#plain.add(row.location);
    }
    try {
      const example = this.#rows.tokenize(row);
      if (example !== null && hasEqualCompletions(example)) {
        this.#equal.add(row.location);
      }
      return example;
    } catch (error) {
      this.#error ??= error as Error;
      this.#failed.add(row.location);
      return null;
    }
  }

  /** @throws the first error, or one that counts the rows, where none is left. */
  assertLeft(name: string, rows: number): void {
    const { counts } = this.#rows;
    const dropped = Object.values(counts.dropped).reduce((a, b) => a + b);
    if (this.#failed.count + dropped < rows) return;
    throw this.#error ??
      new Error(`Cannot show ${name}: training would drop all ${rows} rows`);
  }

  findings(): Finding[] {
    const failed = finding({
      check: "rows that cannot be tokenized",
      verdict: "wrong",
      says: this.#error?.message ?? "",
    }, this.#failed);
    const plain = finding({
      check: "plain text for a model with a chat template",
      verdict: "look",
      says: "text is taken as it is, and the template is not applied: the " +
        "model has seen its own turns only; --template applies it",
    }, this.#plain);
    const equal = finding({
      check: "completions of equal tokens",
      verdict: "wrong",
      says: "training sees nothing to prefer: they differ only in what the " +
        "template leaves out, or after the end at which they are cut",
    }, this.#equal);
    return [failed, equal, plain, ...countFindings(this.#rows.counts)];
  }
}

/** Options of {@linkcode DataChecks}. */
export interface DataCheckOptions {
  /** Options of tokenization; `null` without a model. */
  readonly tokenizing: TokenizeOptions | null;
  /** Rows of evaluation data, to look for. */
  readonly evaluation?: SeenRows | undefined;
  /** Whether only tokens and lengths are checked. @default false */
  readonly lengthsOnly?: boolean;
}

/** Findings of columns that do not reach training, with their rows. */
function noteFindings(
  { unread, leftOut, ties, verdicts }: RowNotes,
): Finding[] {
  const named = (columns: ReadonlyMap<string, number>) => ({
    count: Math.max(0, ...columns.values()),
    places: Array.from(columns, ([name, rows]) => `"${name}" (${rows})`),
  });
  return [
    finding({
      check: "columns that are not read",
      verdict: "ok",
      says: "the format does not know them; the number of rows that fill " +
        "each stands in brackets",
    }, named(unread)),
    finding({
      check: "values that are left out",
      verdict: "look",
      says: "they are not the finite numbers that their columns have; " +
        "nothing is decided by them",
    }, named(leftOut)),
    finding({
      check: "ties left out",
      verdict: "look",
      says: "they have no verdict, or one that the format knows for neither " +
        "answer; the number of rows of each stands in brackets",
    }, {
      count: ties,
      places: Array.from(verdicts, ([verdict, n]) => `${verdict} (${n})`),
    }),
  ];
}

const ORDER: readonly Verdict[] = ["wrong", "look", "ok"];

/** Checks rows of data one by one, and makes findings of all that it saw. */
export class DataChecks {
  readonly lengths: LengthCollector;
  /** Rows checked. */
  rows = 0;
  readonly #flaws = [rowFlaws(), textFlaws()];
  readonly #classes = classCounter();
  readonly #repeats: ReturnType<typeof repeats>;
  readonly #tokens: TokenChecks | null;

  constructor(
    private readonly data: Pick<RowReader, "name" | "kind" | "bad" | "notes">,
    private readonly options: DataCheckOptions,
  ) {
    this.lengths = lengthCollector(data.kind);
    this.#repeats = repeats(options);
    this.#tokens = options.tokenizing && new TokenChecks(options.tokenizing);
  }

  /**
   * @returns the row's example: `null` where training would leave it out,
   * `undefined` without a model.
   */
  add(row: PreferenceRow): Example | null | undefined {
    this.rows++;
    if (!this.options.lengthsOnly) {
      for (const check of [...this.#flaws, this.#repeats, this.#classes]) {
        check.add(row);
      }
    }
    const example = this.#tokens?.tokenize(row);
    if (example !== null) this.lengths.add(row, example);
    return example;
  }

  /** @throws Error where training would leave all rows out. */
  assertLeft(): void {
    this.#tokens?.assertLeft(this.data.name, this.rows);
  }

  /** All findings, the worst first. */
  findings(): Finding[] {
    const { kind, bad, notes } = this.data;
    const unread = {
      check: "rows that cannot be read",
      verdict: "wrong",
      says: bad.errors[0] ?? "",
    } as const;
    const all = [
      finding(unread, bad),
      ...noteFindings(notes),
      ...this.#flaws.flatMap((flaw) => flaw.findings()),
      ...this.#repeats.findings(kind),
      ...classFindings(this.#classes.classes()),
      ...this.lengths.findings(),
      ...this.#tokens?.findings() ?? [],
    ];
    return ORDER.flatMap((verdict) =>
      all.filter((finding) => finding.verdict === verdict)
    );
  }
}
