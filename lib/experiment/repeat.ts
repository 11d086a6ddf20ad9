import { join } from "node:path";
import * as v from "valibot";
import { orNull } from "../files/missing.ts";
import type { Table, Verdict } from "../plot/figure.ts";
import { markdownTables } from "../plot/tables.ts";
import { canonicalJson } from "../record/canonical_json.ts";
import { checkJson } from "../record/check_json.ts";
import { differences } from "../record/differences.ts";
import { commitsOf } from "./citation.ts";
import { type Claim, type Finding, judge } from "./claim.ts";
import { drawsEvidence, type Evidence, exactEvidence } from "./evidence.ts";
import { measuredText } from "./findings.ts";
import { GRID } from "./grid.ts";
import { readIdentity } from "./identity.ts";
import { type Files, writeFiles } from "./result_files.ts";

/** File of the verdicts on other draws, in the results that they repeat. */
export const REPEAT = "repeat.json";

/** Evidence of a claim on other draws: enough to judge it again. */
const EFFECT = v.object({
  id: v.string(),
  n: v.nullable(v.object({
    ...{ unit: v.string(), count: v.number(), seeds: v.number() },
  })),
  values: v.array(v.number()),
  checks: v.array(v.object({
    ...{ name: v.string(), passed: v.boolean(), found: v.string() },
  })),
});

/** The part of a repeat that does not follow from anything else. */
const STORED = v.object({
  draws: v.array(v.number()),
  seeds: v.array(v.number()),
  commits: v.array(v.string()),
  claims: v.array(v.object({
    repeat: EFFECT,
    /** Those of this claim, where they are not all. */
    draws: v.exactOptional(v.array(v.number())),
  })),
});

type Stored = v.InferOutput<typeof STORED>;

/** Published results, and what they say about the claims. */
export interface Published {
  /** Their folder. */
  readonly folder: string;
  readonly claims: readonly Claim<never>[];
  readonly findings: readonly Finding[];
}

/**
 * Records the findings of other draws beside published ones. Their runs need
 * not be kept: the effects by draw are, so that the verdicts can be judged
 * again. A claim of which an earlier record has more draws keeps that.
 *
 * @param folder of the published results.
 * @param other folder of the results of the other draws, and their findings.
 * @throws Error where they have draws in common, or differ in anything else.
 */
export async function recordRepeat(
  folder: string,
  other: { readonly folder: string; readonly findings: readonly Finding[] },
): Promise<void> {
  const { draws, seeds } = await otherGrid(folder, other.folder);
  const commits = await commitsOf(other.folder);
  const claims = other.findings.map((repeat) => ({ repeat }));
  const found = v.parse(STORED, { draws, seeds, commits, claims });
  const stored = merged(await storedIn(folder), found);
  await writeFiles(folder, { [REPEAT]: canonicalJson(stored) });
}

async function storedIn(folder: string): Promise<Stored | null> {
  const file = join(folder, REPEAT);
  const text = await orNull(Deno.readTextFile(file));
  return text === null
    ? null
    : checkJson(STORED, JSON.parse(text), `Cannot use ${file}`);
}

/** Each claim by whichever repeat has more draws of it; the later of equals. */
function merged(before: Stored | null, found: Stored): Stored {
  if (!before) return found;
  const claims = found.claims.map((claim) => {
    const earlier = before.claims.find(({ repeat }) =>
      repeat.id === claim.repeat.id
    );
    return earlier && countOf(earlier) > countOf(claim)
      ? { ...earlier, draws: earlier.draws ?? before.draws }
      : { ...claim, draws: found.draws };
  });
  const all = (lists: readonly (readonly number[])[]) =>
    [...new Set(lists.flat())].toSorted((a, b) => a - b);
  const draws = all(claims.map((claim) => claim.draws));
  const isKept = claims.some((claim) => claim.draws !== found.draws);
  return {
    draws,
    seeds: isKept ? all([before.seeds, found.seeds]) : found.seeds,
    commits: isKept
      ? [...new Set([...before.commits, ...found.commits])]
      : found.commits,
    claims: claims.map(({ repeat, draws: own }) => ({
      repeat,
      ...own.length < draws.length && { draws: own },
    })),
  };
}

function countOf({ repeat: { n } }: Stored["claims"][number]): number {
  return n?.count ?? 0;
}

/**
 * The grid of other results, which differs in draws and seeds alone. It may
 * lack methods that no claim is about.
 */
async function otherGrid(folder: string, other: string) {
  const [own, its] = [await worldIn(folder), await worldIn(other)];
  const place = differences(own.world, its.world, { ignore: [] })[0]?.path;
  const known = new Set(own.methods.map((method) => canonicalJson(method)));
  const isKnown = its.methods.every((one) => known.has(canonicalJson(one)));
  if (place !== undefined || !isKnown) {
    throw new Error(
      `Cannot take ${other} for a repeat of ${folder}: ${
        place?.slice(1) ?? "a method"
      } differs`,
    );
  }
  const shared = its.draws.filter((draw) => own.draws.includes(draw));
  if (shared.length === 0) return its;
  throw new Error(
    `Cannot take ${other} for a repeat of ${folder}: both have ${
      drawsText(shared)
    }`,
  );
}

const IDENTITY = v.object({
  identity: v.object({ experiment: v.string(), settings: v.unknown() }),
  grid: v.strictObject(GRID),
});

/** Draws, seeds and methods of results, and all that a repeat must share. */
async function worldIn(folder: string) {
  const doing = `Cannot use ${folder}: its experiment.json`;
  const {
    identity: { experiment, settings },
    grid: { draws, seeds, levels, methods },
  } = checkJson(IDENTITY, await readIdentity(folder), doing);
  return { draws, seeds, methods, world: { experiment, settings, levels } };
}

/**
 * The files about other draws as they should be: the evidence that is stored,
 * judged again, beside the published findings. None where nothing is stored.
 *
 * @throws Error where the evidence of a claim is missing.
 */
export async function repeatFiles(published: Published): Promise<Files> {
  const { folder, claims, findings } = published;
  const stored = await storedIn(folder);
  if (!stored) return {};
  const again = judge(
    claims.map((claim) => ({
      ...claim,
      evidence: () => evidenceOf(stored, claim.id),
    })),
    null,
  );
  const compared = findings.map((finding, i) => {
    const { id, verdict, estimate, low, high } = finding;
    const repeat = again[i]!;
    const holds = isUpheld(verdict, repeat.verdict);
    const drawn = stored.claims.find((each) => each.repeat.id === id)?.draws;
    return {
      ...{ id, published: { verdict, estimate, low, high }, holds, repeat },
      ...drawn && { draws: drawn },
    };
  });
  const held = compared.filter(({ holds }) => holds).length;
  const record = { ...stored, claims: compared, held };
  const { draws } = await worldIn(folder);
  const table = repeatTable(compared, findings, [draws, stored.draws]);
  return {
    [REPEAT]: `${canonicalJson(record, { indent: 1 })}\n`,
    "repeat.md": markdownTables([table]),
  };
}

/**
 * Whether other draws uphold a verdict: they give the same, or say of an effect
 * that was not shown that it is the opposite.
 */
function isUpheld(published: Verdict, again: Verdict): boolean {
  return again === published ||
    published === "not shown" && again === "opposite";
}

function evidenceOf({ claims }: Stored, id: string): Evidence {
  const found = claims.find(({ repeat }) => repeat.id === id)?.repeat;
  if (!found) {
    throw new Error(
      `Cannot compare "${id}" with other draws: ${REPEAT} lacks it; record the repeat anew`,
    );
  }
  const { n, values, checks } = found;
  return n === null
    ? exactEvidence(values[0]!, { checks })
    : drawsEvidence(values, { seeds: n.seeds, checks });
}

function repeatTable(
  compared: readonly {
    readonly repeat: Finding;
    readonly draws?: readonly number[];
  }[],
  published: readonly Finding[],
  draws: readonly (readonly number[])[],
): Table {
  const [own, other] = draws.map(drawsText);
  return {
    caption: "Verdicts on other draws",
    columns: ["claim", own!, "verdict", other!, "verdict again"],
    rows: compared.map(({ repeat, draws: drawn }, i) => [
      published[i]!.statement,
      measuredText(published[i]!),
      published[i]!.verdict,
      `${measuredText(repeat)}${drawn ? ` (${drawsText(drawn)})` : ""}`,
      repeat.verdict,
    ]),
  };
}

/** `draws 8 to 23`, or each of them where they are no range. */
function drawsText(draws: readonly number[]): string {
  const [first, last] = [draws[0], draws.at(-1)];
  if (draws.length === 1) return `draw ${first}`;
  const isRange = draws.every((draw, i) => draw === first! + i);
  return `draws ${isRange ? `${first} to ${last}` : draws.join(", ")}`;
}
