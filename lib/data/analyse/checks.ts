import {
  countFindings,
  type Finding,
  Tally,
  type Verdict,
} from "./count_findings.ts";
import type { DataKind, Example, PreferenceRow } from "../example.ts";
import type { Truncation } from "../tokenize/truncate.ts";
import { RowTokenizer, type TokenizeOptions } from "../tokenize/tokenize.ts";
import { classCounter, classFindings } from "./classes.ts";
import {
  lengthBiasFinding,
  type LengthCollector,
  prefixFinding,
} from "./lengths.ts";
import { repeats, type SeenRows } from "./repeats.ts";
import { rowFlaws, textFlaws } from "./row_flaws.ts";
import { correlation } from "../../stats/describe.ts";
import { quantile } from "../../stats/interval.ts";
import type { BadRows } from "../open_rows.ts";

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
    const failed = this.#failed.finding("rows that cannot be tokenized", {
      verdict: "wrong",
      says: this.#error?.message ?? "",
    });
    return [failed, ...countFindings(this.#rows.counts)];
  }
}

export interface CheckSettings {
  readonly kind: DataKind;
  /** Rows of evaluation data. */
  readonly evaluation?: SeenRows | undefined;
  /** Collects lengths, of which bias and common beginnings are told. */
  readonly lengths: LengthCollector;
  /** Tokenizes the rows, where a model is given. */
  readonly tokens: ExaminedTokens | null;
  /** Rows that could not be read. */
  readonly bad: BadRows;
}

const ORDER: readonly Verdict[] = ["wrong", "look", "ok"];

/** Every check, over rows that come one by one; lengths and tokens come apart. */
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
        badRowFinding(bad),
        ...flaws.flatMap((flaw) => flaw.findings()),
        ...repeated.findings(kind),
        ...classFindings(classes.classes()),
        ...lengthFindings(lengths, kind),
        ...tokens?.findings() ?? [],
      ];
      return ORDER.flatMap((verdict) =>
        all.filter((finding) => finding.verdict === verdict)
      );
    },
  };
}

function badRowFinding({ count, errors }: BadRows): Finding {
  const check = "rows that cannot be read";
  if (count === 0) return { check, verdict: "ok", count, places: [], says: "" };
  return { check, verdict: "wrong", count, places: [], says: errors[0]! };
}

function lengthFindings(lengths: LengthCollector, kind: DataKind): Finding[] {
  const bias = lengths.bias();
  const { unit } = lengths.lengths();
  const r = correlation(bias.x, bias.y);
  const biased = lengthBiasFinding(bias, { r, unit });
  if (kind === "labels") return [biased];
  const prefixes = lengths.prefixes();
  const median = prefixes.lengths.length === 0
    ? 0
    : quantile(prefixes.lengths, 0.5);
  return [biased, prefixFinding(prefixes, { median, unit })];
}
