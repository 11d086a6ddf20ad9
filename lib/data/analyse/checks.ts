import {
  countFindings,
  type Finding,
  finding,
  Tally,
  type Verdict,
} from "./count_findings.ts";
import type { DataKind, Example } from "../example.ts";
import type { Truncation } from "../tokenize/truncate.ts";
import { RowTokenizer, type TokenizeOptions } from "../tokenize/tokenize.ts";
import { classCounter, classFindings } from "./classes.ts";
import type { LengthCollector } from "./lengths.ts";
import { repeats, type SeenRows } from "./repeats.ts";
import { rowFlaws, textFlaws } from "./row_flaws.ts";
import type { BadRows } from "../open_rows.ts";
import type { PreferenceRow } from "../preference_row.ts";

/** Truncations that drop, and so count, the rows that training would refuse. */
const DROPPING: Readonly<Record<Truncation, Truncation>> = {
  "end": "end-or-drop",
  "end-or-drop": "end-or-drop",
  "drop": "drop",
  "error": "drop",
};

/** Tokenizes rows to check them: rows that cannot be tokenized are a finding. */
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
    return [failed, ...countFindings(this.#rows.counts)];
  }
}

export interface CheckSettings {
  readonly kind: DataKind;
  /** Rows of evaluation data. */
  readonly evaluation?: SeenRows | undefined;
  /** Lengths of the rows, for length bias and common beginnings. */
  readonly lengths: LengthCollector;
  /** Tokenizer of the rows; `null` without a model. */
  readonly tokens: ExaminedTokens | null;
  /** Rows that could not be read. */
  readonly bad: BadRows;
}

const ORDER: readonly Verdict[] = ["wrong", "look", "ok"];

/** Makes every check of rows that come one by one; lengths and tokens are counted by the caller. */
export function allChecks(
  { kind, evaluation, lengths, tokens, bad }: CheckSettings,
) {
  const repeated = repeats({ evaluation });
  const flaws = [rowFlaws(), textFlaws()];
  const classes = classCounter();
  return {
    add(row: PreferenceRow): void {
      for (const check of [...flaws, repeated, classes]) check.add(row);
    },
    /** The worst first. */
    findings(): Finding[] {
      const all = [
        finding({
          check: "rows that cannot be read",
          verdict: "wrong",
          says: bad.errors[0] ?? "",
        }, bad),
        ...flaws.flatMap((flaw) => flaw.findings()),
        ...repeated.findings(kind),
        ...classFindings(classes.classes()),
        ...lengths.findings(),
        ...tokens?.findings() ?? [],
      ];
      return ORDER.flatMap((verdict) =>
        all.filter((finding) => finding.verdict === verdict)
      );
    },
  };
}
