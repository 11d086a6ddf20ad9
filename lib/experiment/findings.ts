import type { FigureFinding, Table } from "../plot/figure.ts";
import { tableOf } from "../plot/tables.ts";
import type { Finding } from "./claim.ts";
import { counted, digits } from "./figure_parts.ts";

/** Claims and verdicts as a table, for papers and READMEs. */
export function findingsTable(findings: readonly FigureFinding[]): Table {
  return tableOf(findings, {
    caption: "Claims and verdicts",
    columns: {
      claim: ({ claim }) => claim,
      source: ({ source }) => source,
      reported: ({ reported }) => reported || null,
      here: ({ found }) => found,
      verdict: ({ verdict }) => verdict,
    },
  });
}

/** The claims of an experiment and their verdicts, for the page of a figure. */
export function figureFindings(findings: readonly Finding[]): FigureFinding[] {
  return findings.map((finding) => ({
    claim: finding.statement,
    source: finding.source.title,
    url: finding.source.url,
    reported: finding.reported,
    found: measuredText(finding),
    verdict: finding.verdict,
    why: finding.reason,
  }));
}

/**
 * An effect as text: `0.29 nats [0.11, 0.47], 20 draws × 3 seeds, p 0.012`. A
 * single unit has no interval and no p-value worth printing; the p-value is the
 * adjusted one.
 */
export function measuredText(
  { estimate, low, high, unit, n, pAdjusted }: Finding,
): string {
  if (estimate === null) return "no value";
  if (n === null || pAdjusted === null) {
    return `${exactDigits(estimate)} ${unit}`.trim() + ", exact";
  }
  const effect = `${digits(estimate)} ${unit}`.trim();
  const units = counted(n.count, n.unit);
  const sample = n.seeds === 1 ? units : `${units} × ${n.seeds} seeds`;
  if (low === null || high === null) return `${effect}, ${sample}`;
  return `${effect} [${digits(low)}, ${digits(high)}], ${sample}, ${
    pText(pAdjusted)
  }`;
}

/** A small number that is exact has a third digit. */
function exactDigits(x: number): string {
  return Math.abs(x) < 0.1
    ? x.toFixed(3).replace(/^-(0\.000)$/, "$1")
    : digits(x);
}

function pText(p: number): string {
  return p < 0.001 ? "p < 0.001" : `p ${p.toPrecision(2)}`;
}
