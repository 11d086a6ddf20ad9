import { countFindings } from "lib/data/analyse/count_findings.ts";
import { type Finding, Tally } from "lib/data/analyse/finding.ts";
import type { Example } from "lib/data/example.ts";
import type { Truncation } from "lib/data/fit_row.ts";
import type { PreferenceRow } from "lib/data/preference.ts";
import { RowTokenizer, type TokenizeOptions } from "lib/data/tokenize.ts";

/** What drops those rows that training would refuse: here they are counted. */
const DROPPING: Readonly<Record<Truncation, Truncation>> = {
  "end": "end-or-drop",
  "end-or-drop": "end-or-drop",
  "drop": "drop",
  "error": "drop",
};

/** Tokenizes rows to look at them: what cannot be tokenized is a finding. */
export class ExaminedTokens {
  readonly #rows: RowTokenizer;
  readonly #failed = new Tally();
  #error: Error | undefined;

  constructor(options: TokenizeOptions) {
    const truncate = DROPPING[options.truncate ?? "end"];
    this.#rows = new RowTokenizer({ ...options, truncate });
  }

  /** `null` for a row that training would leave out or refuse. */
  tokenize(row: PreferenceRow): Example | null {
    try {
      return this.#rows.tokenize(row);
    } catch (error) {
      this.#error ??= error as Error;
      this.#failed.add(row.where);
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
    const failed = this.#failed.finding("rows that cannot be tokenized", {
      verdict: "wrong",
      says: this.#error?.message ?? "",
    });
    return [failed, ...countFindings(this.#rows.counts)];
  }
}
