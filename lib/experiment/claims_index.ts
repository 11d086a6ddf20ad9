import { join } from "node:path";
import * as v from "valibot";
import { orNull } from "../files/missing.ts";
import { parseJson } from "../files/read_json.ts";
import type { FigureFinding, Verdict } from "../plot/figure.ts";
import { markdownTables, tableOf } from "../plot/tables.ts";
import { checkJson } from "../record/check_json.ts";
import { REPEAT } from "./repeat.ts";

/** File of all claims in a folder of results. */
export const CLAIMS_INDEX = "claims.md";

const VERDICT = v.picklist(["shown", "opposite", "not shown", "not testable"]);

const FIGURE = v.object({
  findings: v.optional(
    v.array(v.object({
      ...{ claim: v.string(), source: v.string(), reported: v.string() },
      ...{ found: v.string(), why: v.string() },
      verdict: VERDICT,
    })),
    [],
  ),
});

const REPEATED = v.object({
  claims: v.array(v.object({
    repeat: v.object({ statement: v.string(), verdict: VERDICT }),
  })),
});

/** A claim, and the experiment that decides it. */
interface Indexed extends FigureFinding {
  readonly experiment: string;
  /** The verdict on other draws; null where there are none. */
  readonly again: Verdict | null;
}

/**
 * The claims of all experiments that have results in a folder, as Markdown:
 * one of each experiment, its first, and then every one.
 *
 * @param names of the experiments, in order.
 * @throws Error where a `figure.json` is none.
 */
export async function claimsIndex(
  results: string,
  names: readonly string[],
): Promise<string> {
  const found = await Promise.all(
    names.map((experiment) =>
      findingsOf(join(results, experiment), experiment)
    ),
  );
  return markdownTables([
    tableOf(found.flatMap(([one]) => one ?? []), {
      caption: "A claim of each experiment",
      columns: { claim, source, here, verdict, ...ELSEWHERE },
    }),
    tableOf(found.flat(), {
      caption: "All claims",
      columns: { claim, source, reported, here, verdict, ...ELSEWHERE },
    }),
  ]);
}

async function findingsOf(
  folder: string,
  experiment: string,
): Promise<Indexed[]> {
  const figure = await readJson(FIGURE, join(folder, "figure.json"));
  const repeated = await readJson(REPEATED, join(folder, REPEAT));
  return (figure?.findings ?? []).map((finding) => {
    const again = repeated?.claims
      .find(({ repeat }) => repeat.statement === finding.claim);
    return { ...finding, experiment, again: again?.repeat.verdict ?? null };
  });
}

/** A file as a schema has it; null where it is missing. */
async function readJson<S extends v.GenericSchema>(
  schema: S,
  file: string,
): Promise<v.InferOutput<S> | null> {
  const text = await orNull(Deno.readTextFile(file));
  if (text === null) return null;
  return checkJson(schema, parseJson(text), `Cannot read ${file}`);
}

const claim = (finding: Indexed) => finding.claim;
const source = (finding: Indexed) => finding.source;
const reported = (finding: Indexed) => finding.reported || null;
const here = (finding: Indexed) => finding.found;
const verdict = (finding: Indexed) => finding.verdict;
const ELSEWHERE = {
  "on other draws": ({ again }: Indexed) => again,
  // From the top of the checkout, wherever the table is quoted.
  experiment: ({ experiment }: Indexed) =>
    `[${experiment}](/experiments/${experiment}/README.md)`,
};
