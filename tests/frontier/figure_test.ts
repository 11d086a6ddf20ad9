import { deepEqual, doesNotMatch, equal, match } from "node:assert/strict";
import { CLAIMS } from "experiments/frontier/claims.ts";
import { frontierFigure } from "experiments/frontier/figure.ts";
import { summarize } from "experiments/frontier/summary.ts";
import { REVIEWS_SETTINGS } from "experiments/reviews/settings.ts";
import { judge } from "lib/experiment/claim.ts";
import { collectRuns } from "lib/experiment/summary.ts";
import type { Figure, ScatterTrace } from "lib/plot/figure.ts";
import { syntheticRuns } from "../reviews/synthetic_runs.ts";
import { TINY } from "../reviews/tiny_settings.ts";

/** The figure of made-up runs. */
function figureOf(draws: readonly number[]): Figure {
  const settings = { ...TINY, draws: [...draws] };
  const { methods, seeds, levels } = settings;
  const summary = summarize(collectRuns(syntheticRuns(settings), {
    grid: { methods, draws, seeds, levels },
    schema: REVIEWS_SETTINGS,
  }));
  return frontierFigure(summary, judge(CLAIMS, summary));
}

const DRAWS = [0, 1, 2, 3, 4, 5];
const figure = figureOf(DRAWS);
const panel = (title: RegExp | string) =>
  figure.panels.find((each) => each.title.match(title))!;
const named = (title: RegExp | string, name: string) =>
  panel(title).data.filter((trace) => trace.name === name) as ScatterTrace[];

Deno.test("every run of a chosen value has a dot, its median a mark in reach", () => {
  const [dots, median] = named(/hollow/, "dpo β 1");
  equal(dots!.x.length, DRAWS.length * TINY.seeds.length);
  equal(median!.x.length, 1);
  const [low = 0, high = 0] = panel(/hollow/).layout.xaxis!.range as number[];
  for (const x of [...dots!.x, ...median!.x].map(Number)) {
    equal(x >= low && x <= high, true, `${x}`);
  }
});

Deno.test("an arrow leads from the optimum of a loss that has one", () => {
  const arrows = panel(/hollow/).layout.annotations!
    .filter(({ ax }) => ax !== undefined);
  equal(arrows.length, 1);
  deepEqual([arrows[0]!.ax, arrows[0]!.ay], [1, 1.9]);
});

Deno.test("simplified forms stand in a panel of their own", () => {
  const names = ({ data }: Figure["panels"][number]) =>
    data.map((trace) => trace.name).join();
  doesNotMatch(names(panel(/hollow/)), /orpo-ratio/);
  match(names(panel("Simplified forms")), /orpo-ratio/);
  doesNotMatch(names(panel("Simplified forms")), /kto|dpo/);
  const small = figure.panels.filter((each) => each.small);
  deepEqual(small.map(({ title }) => title), [
    ...["dpo", "kto", "Simplified forms"],
  ]);
});

Deno.test("samples are of the median run and of the farthest", () => {
  const own = figure.samples!.filter(({ name }) => name === "dpo β 1");
  const [median, farthest] = own.map(({ note }) => note);
  match(`${median}`, /^median run, /);
  match(`${farthest}`, /^farthest run, /);
  deepEqual(own[0]!.texts, [{ text: "it is good ." }]);
});

Deno.test("a single draw is said to be one, and has no leads with intervals", () => {
  const title = /less DPO's/;
  equal(figure.panels.some((each) => title.test(each.title)), true);
  doesNotMatch(figure.title, /One draw/);
  const single = figureOf([0]);
  match(single.title, /^One draw: /);
  match(single.text.join(), /no verdict follows/);
  equal(single.panels.some((each) => title.test(each.title)), false);
});
