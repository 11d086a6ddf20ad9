import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { join } from "node:path";
import { commitsOf } from "lib/experiment/citation.ts";
import type { Claim } from "lib/experiment/claim.ts";
import type { ExperimentOptions } from "lib/experiment/definition.ts";
import { drawsEvidence, exactEvidence } from "lib/experiment/evidence.ts";
import { experiment } from "lib/experiment/experiment.ts";
import { staleFiles } from "lib/experiment/result_files.ts";
import type { SettingSummary } from "lib/experiment/summary.ts";
import { temporaryFolder } from "../temporary_folder.ts";
import { TOY } from "./toy_experiment.ts";

type Summary = { settings: SettingSummary[] };

const CLAIM = {
  source: { title: "Paper", url: "https://a.example" },
  reported: "",
  contrast: "",
  unit: "steps",
  delta: 1,
};

const GAINS: Claim<Summary> = {
  ...CLAIM,
  id: "gains",
  statement: "Late draws gain more",
  // Draws 0 to 7 lie about 0, later ones beyond it.
  evidence: ({ settings: [first] }) =>
    drawsEvidence(
      first!.runs.map(({ draw }) => draw < 8 ? draw - 3.5 : draw / 2),
      { seeds: 1 },
    ),
};
const EXACT: Claim<Summary> = {
  ...CLAIM,
  id: "exact",
  statement: "Two is more than none",
  evidence: () => exactEvidence(2),
};

const draws = (first: number) => Array.from({ length: 8 }, (_, i) => first + i);
const watch = () => ({ update: () => {}, finish: () => {} });
const options = (first: number): Omit<ExperimentOptions, "out"> => ({
  ...{ quick: true, draws: draws(first), seeds: [1] },
  ...{ device: "cpu", workers: 1, watch },
});

const toy = experiment({ ...TOY, claims: [GAINS, EXACT] });

Deno.test("verdicts on other draws are recorded beside the published ones", async () => {
  using root = temporaryFolder();
  const [own, other] = ["own", "other"].map((name) => join(root.path, name));
  const { figure } = await toy.run({ ...options(0), out: own! });
  deepEqual(figure.findings!.map(({ claim }) => claim), [
    ...[GAINS.statement, EXACT.statement],
  ]);
  await toy.run({ ...options(8), out: other! });
  deepEqual(Object.keys(await toy.files(own!)).includes("repeat.md"), false);
  await toy.compareDraws(own!, other!);
  const read = (name: string) => Deno.readTextFileSync(join(own!, name));
  const { claims, commits, ...record } = JSON.parse(read("repeat.json"));
  deepEqual(record, { draws: draws(8), seeds: [1], held: 1 });
  deepEqual(commits, await commitsOf(other!));
  const [gains, exact] = claims;
  equal(gains.published.verdict, "not testable");
  deepEqual([gains.repeat.verdict, gains.repeat.estimate], ["shown", 5.75]);
  deepEqual([gains.holds, exact.holds], [false, true]);
  const [, , head, , first] = read("repeat.md").split("\n");
  match(head!, /claim .* draws 0 to 7 .* verdict .* draws 8 to 15 .* again/);
  match(first!, /0\.00 steps .* not testable .* 5\.75 steps .* shown/);

  // Both follow from the records and the effects in each draw.
  deepEqual(await staleFiles(own!, await toy.files(own!)), []);
  const path = join(own!, "repeat.json");
  const text = read("repeat.json");
  Deno.writeTextFileSync(path, text.replace("5.75", "6.75"));
  const [stale] = await staleFiles(own!, await toy.files(own!));
  deepEqual(stale, {
    ...{ file: "repeat.json", place: "/claims/0/repeat/estimate" },
    ...{ found: "6.75", expected: "5.75" },
  });
  // A claim of which an earlier repeat had more draws keeps that.
  Deno.writeTextFileSync(path, text);
  const few = join(root.path, "few");
  await toy.run({ ...options(40), draws: [40, 41, 42], out: few });
  await toy.compareDraws(own!, few);
  const kept = JSON.parse(read("repeat.json"));
  deepEqual(kept.draws, [...draws(8), 40, 41, 42]);
  deepEqual(kept.claims[0].draws, draws(8));
  equal(kept.claims[0].repeat.estimate, 5.75);
  match(read("repeat.md"), /5\.75 steps .*\(draws 8 to 15\)/);
  deepEqual(await staleFiles(own!, await toy.files(own!)), []);
  await toy.compareDraws(own!, other!);
  deepEqual(read("repeat.json"), text);

  // A claim that came later has no effects there.
  const more = experiment({
    ...TOY,
    claims: [GAINS, EXACT, { ...EXACT, id: "later" }],
  });
  await rejects(more.files(own!), /"later" .* repeat\.json lacks it/);

  // A repeat has other draws, and nothing else that is other.
  const refuses = (folder: string, why: RegExp) =>
    rejects(toy.compareDraws(own!, folder), why);
  await refuses(own!, /for a repeat of .*own: both have draws 0 to 7$/);
  const identity = join(other!, "experiment.json");
  const changed = Deno.readTextFileSync(identity)
    .replace('"origin": 10', '"origin": 11');
  Deno.writeTextFileSync(identity, changed);
  await refuses(other!, /for a repeat of .*own: settings\/origin differs$/);

  // It may lack methods, and has no others.
  const both = { ...options(0), quick: false };
  const [all, fewer] = ["all", "fewer"].map((name) => join(root.path, name));
  await toy.run({ ...both, out: all! });
  await toy.run({ ...both, draws: draws(8), losses: ["dpo"], out: fewer! });
  await toy.compareDraws(all!, fewer!);
  await rejects(toy.compareDraws(fewer!, all!), /: a method differs$/);
});
