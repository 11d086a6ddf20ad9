import { type Finding, finding } from "./count_findings.ts";
import type { PreferenceRow } from "../preference_row.ts";

/** Counts of the labels, and how they are ordered. */
export interface Classes {
  readonly desirable: number;
  readonly undesirable: number;
  /** Most rows of one label one after another. */
  readonly longestRun: number;
  /** Location of that run's last row. */
  readonly runEnds: string | null;
}

/** Interval in which λ_D·n_D / (λ_U·n_U) should be in KTO. */
export interface WeightInterval {
  readonly low: number;
  readonly high: number;
  readonly source: string;
}

/**
 * The interval of the paper's first version (equation 8), and the wider one
 * that is quoted from its later versions.
 */
const WEIGHT_INTERVALS: readonly WeightInterval[] = [
  { low: 1, high: 4 / 3, source: "https://arxiv.org/abs/2402.01306v1, eq. 8" },
  { low: 1, high: 3 / 2, source: "as quoted from its later versions" },
];

/** Counts labels. */
export function classCounter() {
  let [desirable, undesirable, run, longestRun] = [0, 0, 0, 0];
  let last: boolean | undefined;
  let runEnds: string | null = null;
  return {
    add({ label, location }: PreferenceRow): void {
      if (label === undefined) return;
      if (label) desirable++;
      else undesirable++;
      run = label === last ? run + 1 : 1;
      last = label;
      if (run > longestRun) [longestRun, runEnds] = [run, location];
    },
    classes: (): Classes => ({ desirable, undesirable, longestRun, runEnds }),
  };
}

/** Findings about the counts and the order of labels; none without labels. */
export function classFindings(classes: Classes): Finding[] {
  const { desirable, undesirable } = classes;
  const n = desirable + undesirable;
  if (n === 0) return [];
  const balance = { check: "balance of labels", count: n, places: [] };
  if (desirable === 0 || undesirable === 0) {
    const says = `all ${n} are ${desirable === 0 ? "un" : ""}desirable`;
    return [{ ...balance, verdict: "wrong", says }];
  }
  const ratio = desirable / undesirable;
  const inside = WEIGHT_INTERVALS.some(({ low, high }) =>
    ratio >= low && ratio <= high
  );
  const says = `${desirable} desirable, ${undesirable} undesirable. KTO: ` +
    WEIGHT_INTERVALS.map((interval) => weightsText(ratio, interval)).join("; ");
  return [
    { ...balance, verdict: inside ? "ok" : "look", says },
    orderFinding(classes),
  ];
}

/** `λ_D/λ_U between 1.32 and 1.76 (source)` */
function weightsText(
  ratio: number,
  { low, high, source }: WeightInterval,
): string {
  const [from, to] = [low / ratio, high / ratio]
    .map((x) => String(Number(x.toPrecision(3))));
  return `λ_D/λ_U between ${from} and ${to} (${source})`;
}

/**
 * In a random order runs of the larger class, of share p, hardly grow beyond
 * log(n) / log(1/p); three times that many rows are a block.
 */
function orderFinding(
  { desirable, undesirable, longestRun, runEnds }: Classes,
): Finding {
  const n = desirable + undesirable;
  const share = Math.max(desirable, undesirable) / n;
  const longest = Math.log(n) / -Math.log(share);
  const isBlock = longestRun > 3 * longest && n >= 10;
  return finding({
    check: "labels in blocks",
    verdict: "look",
    says: `${longestRun} rows of one label one after another, up to there: ` +
      "shuffle, batches in file order see one label only",
  }, isBlock ? { count: longestRun, places: [runEnds!] } : { count: 0 });
}

/** Number of times that each key was seen. */
export type Frequencies = ReadonlyMap<string, number>;

/** Numbers that describe the rows of a file. */
export interface Overview {
  readonly rows: number;
  /** `text`, `chat` or `ids`. */
  readonly forms: Frequencies;
  /** Completions of each row. */
  readonly completions: Frequencies;
  /** Messages of each prompt; none where there are no conversations. */
  readonly turns: Frequencies;
  /** Messages by role, completions included. */
  readonly roles: Frequencies;
  /** Rows with a system message. */
  readonly system: number;
  /** Rows with tools, scores, agreement. */
  readonly tools: number;
  readonly scores: number;
  readonly agreement: number;
}

/** Counts what rows are made of. */
export function overviewCounter() {
  const forms = new Map<string, number>();
  const completions = new Map<string, number>();
  const turns = new Map<string, number>();
  const roles = new Map<string, number>();
  const counts = { rows: 0, system: 0, tools: 0, scores: 0, agreement: 0 };
  return {
    add(row: PreferenceRow): void {
      counts.rows++;
      count(forms, row.form);
      count(completions, String(row.completions.length));
      counts.tools += Number(row.tools !== undefined);
      counts.scores += Number(row.ratings !== undefined);
      counts.agreement += Number(row.agreement !== undefined);
      if (row.form !== "chat") return;
      count(turns, String(row.prompt.length));
      counts.system += Number(row.prompt[0]?.role === "system");
      for (const { role } of [row.prompt, ...row.completions].flat()) {
        count(roles, role);
      }
    },
    overview: (): Overview => ({ ...counts, forms, completions, turns, roles }),
  };
}

function count(frequencies: Map<string, number>, key: string): void {
  frequencies.set(key, (frequencies.get(key) ?? 0) + 1);
}
